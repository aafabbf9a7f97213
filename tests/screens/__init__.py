"""What is on the screen: where pages are found, and what a browser measures on them."""
