"""What is to be measured: scenarios, sides, loads, the plan and the options that describe them (pure).

Nothing here starts a process, opens a file or reads a clock. It can all be decided before a run begins.
"""
