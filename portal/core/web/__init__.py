"""What every request is asked, and how a page answers it."""
