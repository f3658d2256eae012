"""What every room may use: errors and signals, child processes, cores, resources, the machine, the terminal.

It imports nothing else of ours: it knows of an operating system, and of no experiment.
"""
