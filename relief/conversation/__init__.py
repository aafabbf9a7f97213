"""What borrower, bot, staff and system say to each other."""
