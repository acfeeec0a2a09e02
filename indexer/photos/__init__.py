"""Room photos."""
