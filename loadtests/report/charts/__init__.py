"""Charts of a run, as SVG and PNG: titles state the finding, and black and white is enough to read them.

What comes in draws from an indexed run; which charts there are, ``catalogue`` says.
"""
