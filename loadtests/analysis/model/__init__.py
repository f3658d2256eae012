"""A closed queueing network of users, threads, connections and cores: what it predicts, and what was observed.

What belongs here explains a throughput by the limit that binds, or says where one side begins to win.
"""
