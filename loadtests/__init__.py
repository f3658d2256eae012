"""The harness: designed A/B load tests of two servers, from plan to report.

Its packages, called rooms, stand in layers, ``cli`` on top and ``system`` at the bottom; imports go down only. A module
that is called pure computes from its arguments alone: no file, clock, process or network.
"""
