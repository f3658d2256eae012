"""A PostgreSQL server of the run's own: found, made, started, and gone with its owner."""
