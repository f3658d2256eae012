"""Docs that are written from measured runs: no figure in them is typed."""
