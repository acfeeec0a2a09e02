"""Room database."""
