"""The blog with threads: `def` routes and a `Session`."""
