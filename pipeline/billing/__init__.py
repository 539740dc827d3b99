"""The bill run and its bills."""
