"""The frame of the staff desk: its site, its lists, and the desk of the house itself."""
