"""From samples to verdicts: percentiles, confidence intervals, flags, and a queueing model that explains them.

It reads records only, and but for reading a run's folder it is pure. What belongs here is a statistic, an estimator,
or a check that raises a flag.
"""
