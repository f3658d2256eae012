"""Charts of a run, as SVG, and as PNG on demand: titles state the finding, and black and white is enough to read them.

What belongs here draws from an indexed run; which charts there are, ``catalogue`` says.
"""
