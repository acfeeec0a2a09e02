"""Room vectors."""
