"""Room workers."""
