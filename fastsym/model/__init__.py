"""The two networks, their starts, their data, and training in plain NumPy."""
