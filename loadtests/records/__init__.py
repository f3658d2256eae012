"""Every file of a run's folder, and the data in it: the one bridge between measuring and judging.

No other room knows where results are, or what a run's files are called.
"""
