"""Room library."""
