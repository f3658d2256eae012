"""The highest arrival rate at which each side keeps a service level objective.

What comes in belongs to that search: the objective, its decision rule, the measurement of one rate, the record.
"""
