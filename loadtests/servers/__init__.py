"""Where a side runs: server processes, the databases they use, and what observes them from inside.

What starts, serves or describes a server belongs here; what sends load to it belongs to ``drivers``.
"""
