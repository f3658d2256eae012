"""Known answers: questions whose answer was put there, asked to see whether the harness finds it."""
