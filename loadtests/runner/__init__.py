"""Carries out a plan: blocks, cells, replacement of what broke, and the log of how it went.

What decides is passed in: schedule, databases and listeners are arguments, and nothing here judges a result.
"""
