"""Load generators, and the code in the main process that starts them: they send requests and hand back samples.

What sends requests, or decides when one is sent, belongs here; no statistic is computed, and no result is judged.
"""
