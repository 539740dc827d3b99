"""Numba kernels of the traffic generator."""
