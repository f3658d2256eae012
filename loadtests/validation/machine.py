"""Which machine it is: a validation holds for the machine it was made on (pure)."""

import hashlib

from loadtests.environment import Environment


def machine_id(environment: Environment) -> str:
    """Return an id of processor, cores, memory and system; alike machines share it, and it names nobody."""
    memory_gib = round(environment.memory_bytes / 2**30)
    parts = (environment.cpu, environment.cores, memory_gib, environment.system)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:12]
