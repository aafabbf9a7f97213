"""Who is at the door: logging in and registering, and whatever keeps an account safe."""
