"""Pages and metrics about what was done."""
