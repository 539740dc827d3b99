"""``huadan tariff``: tools for whoever edits a book."""
