"""Locust as a driver, in processes of its own: importing Locust replaces sockets and threads by its own.

``process`` is the owner's end and does not import Locust; nor do ``orders``, ``board`` and ``merge``. Behind it runs
one ``conductor``, which decides when a slice's phases begin and end. The users are ``players``: in the conductor's
process, or in those of Locust's workers.
"""
