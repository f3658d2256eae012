"""How an SQLite connection is set up, the same for both drivers."""

import sqlite3
import time

# First the patience, for the others may have to wait; WAL lets readers go on while someone writes.
PRAGMAS = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


def prepare_connection(connection: sqlite3.Connection, _record: object) -> None:
    """Set the PRAGMAs and register the function that `queries.sleep` calls."""
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.create_function("sleep_ms", 1, _sleep_ms)


def _sleep_ms(wait_ms: float) -> float:
    time.sleep(wait_ms / 1000)
    return wait_ms
