"""The article's experiment, and the study of symmetry that grew from it."""
