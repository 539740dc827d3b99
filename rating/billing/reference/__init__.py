"""Plain-Python twins of the kernels of the bill run."""
