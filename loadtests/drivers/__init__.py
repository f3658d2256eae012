"""Load generators and their owner's end: they put load on a server and hand back samples, never statistics.

What puts load on, and how its processes are told and heard, may come in; who decides what to measure, and who judges
what came of it, may not.
"""
