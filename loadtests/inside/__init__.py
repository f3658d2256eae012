"""What runs inside a side's own process, with the side's own interpreter and packages.

Nothing of this project may be imported here, and of other packages only what the side has brought itself: it may have
another Python (3.8 or later) and other versions than the harness. ``serve.py`` loads the package under the name
``_bench_inside``, so that neither hides a module of the other.
"""
