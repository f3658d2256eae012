"""Observation inside the servers: where requests wait, sampled on one timeline; off unless it is asked for."""
