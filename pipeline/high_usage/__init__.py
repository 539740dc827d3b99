"""High usage and simple patterns of fraud inside a batch; see README.md."""
