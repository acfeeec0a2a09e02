"""Room widgets."""
