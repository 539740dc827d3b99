"""What could not go on, and what becomes of it."""
