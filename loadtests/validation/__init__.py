"""How often the harness itself is wrong: measurements whose answers are known beforehand.

What comes in is a known answer, how it is measured, or how it is reported.
"""
