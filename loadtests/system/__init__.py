"""What every room may use: errors and signals, child processes, cores, resources, the machine, the terminal.

It imports nothing of ours. What comes in knows of an operating system and of no experiment.
"""
