"""Lessons, claims and docs: questions with an expectation that measured figures can refute.

What comes in is a lesson, a claim, how they are judged, or a page that is written from them.
"""
