"""The books at the staff desk: everything to read, and acts that go through services."""
