"""Room fine_tuning."""
