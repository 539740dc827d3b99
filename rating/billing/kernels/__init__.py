"""Kernels of the bill run: flat arrays in, flat arrays out, no Python objects."""
