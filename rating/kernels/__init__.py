"""Compiled loops of rating: flat arrays in, flat arrays and statuses out."""
