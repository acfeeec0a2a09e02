"""Room window."""
