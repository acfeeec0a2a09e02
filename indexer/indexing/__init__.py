"""Room indexing."""
