"""What staff do to the books, each proposed by one and approved by another; and the accountants' chart."""
