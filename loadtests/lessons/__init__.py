"""Lessons: one question each, measured live, with the code that is asked about and the reason for the answer."""
