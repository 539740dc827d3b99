"""Plain-Python twins of the kernels: slow, obvious, the oracle of the property tests."""
