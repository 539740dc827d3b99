"""How the kernels of all rooms are compiled, and where what was compiled is kept."""
