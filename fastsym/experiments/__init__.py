"""The article's experiment, and the studies of symmetry that grew from it."""
