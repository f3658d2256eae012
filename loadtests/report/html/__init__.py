"""The report as one HTML file that opens offline, and the parts of its page.

What belongs here prepares what the templates beside it show.
"""
