"""huadan.toml."""
