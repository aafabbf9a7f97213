"""What is heard and where one stands: errors, focus, announcements, titles, in a real browser."""
