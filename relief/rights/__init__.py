"""The person's rights over their own data: a copy of all of it, and its erasure."""
