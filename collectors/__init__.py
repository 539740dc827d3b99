"""How files get here: complete, once, and archived."""
