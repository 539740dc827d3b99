"""Numba kernels of mediation: flat arrays in, flat arrays and status codes out."""
