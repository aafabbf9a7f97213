"""Questions to the books; every one takes a constant number of queries."""
