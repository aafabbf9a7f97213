"""Working days: the table, its yearly import, and how far it reaches."""
