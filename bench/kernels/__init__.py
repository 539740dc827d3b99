"""Kernels of the benchmarks themselves."""
