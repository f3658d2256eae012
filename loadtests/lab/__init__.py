"""The live lab (``bench lab``): two real servers under a load that is moved while a class watches.

This package holds the lanes, the load process, the engine that combines them into what is shown, and the page.
"""
