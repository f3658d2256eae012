"""From samples to verdicts and flags, and a queueing model to explain them (pure, but for reading a run's folder).

It reads records only. What comes in is a statistic, an estimator, or a check that raises a flag.
"""
