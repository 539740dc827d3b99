"""``huadan format``: tools for whoever makes a format."""
