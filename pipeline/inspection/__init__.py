"""``huadan decode``: a CDR file as a person looks at it."""
