"""The chart of the deadlock."""
