"""Slow and obvious twins of the kernels: the oracle of the tests and the source of explain."""
