"""``huadan watch``."""
