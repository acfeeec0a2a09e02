"""Room duplicates."""
