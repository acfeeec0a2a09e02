"""Room losses."""
