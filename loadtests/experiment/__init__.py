"""What is to be measured: scenarios, sides, loads, the plan and the options that describe them.

Nothing here starts a process or reads a clock. It can all be decided before a run begins; no file is read but those
that options name: a body, values.
"""
