"""Rows that nobody changes unnoticed: sealed as they are written, chained after, refused by the database."""
