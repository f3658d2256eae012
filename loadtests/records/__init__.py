"""Every file of a run's folder, and the data in it: the one bridge between measuring and judging.

Only this room reads and writes below ``results/``. What comes in is a format, its reader and its writer.
"""
