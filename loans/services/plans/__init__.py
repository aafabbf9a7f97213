"""A plan on the books: opened in place of the old schedule, taken back, or broken."""
