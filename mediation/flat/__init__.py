"""Flat formats: records without nesting, as separated text or as fields at fixed places."""
