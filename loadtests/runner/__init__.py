"""Carries out a plan: blocks, cells, replacement of what broke, the manifest as it goes on, and resuming it.

What decides is passed in: schedule, databases and listeners are arguments, and nothing here judges a result.
"""
