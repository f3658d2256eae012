"""The report as one HTML file that opens offline, and the parts of its page.

What comes in prepares what the templates beside it show.
"""
