"""Money received: how it falls on the books, what it settles, and how it is corrected."""
