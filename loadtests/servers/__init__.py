"""Where a side runs: server processes, the databases they use, and what observes them from inside.

What comes in starts, serves or describes a server; who sends requests to it is the business of ``drivers``.
"""
