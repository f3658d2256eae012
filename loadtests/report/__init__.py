"""What a reader sees of a run: the terminal's table, charts, the HTML page, and what to doubt, in words.

It reads records and analysis, and measures nothing. What belongs here turns figures into words or pictures.
"""
