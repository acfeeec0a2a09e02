"""Room studies."""
