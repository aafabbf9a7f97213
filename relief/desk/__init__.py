"""What staff see and post: queue, case page, board, talks and records."""
