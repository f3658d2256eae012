"""The highest arrival rate at which each side meets a service level objective (``bench capacity --slo``).

This package holds the objective, the search for the rate, its measurements, and the record of it.
"""
