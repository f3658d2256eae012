"""Drivers put load on a server and return samples, never statistics."""
