"""Computing in `def` handlers, which leaves the loop alone: in C, in Python, and asking the disk."""

import hashlib
from math import isqrt
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()


@app.get("/hash")
def hashed() -> dict[str, str]:
    return {"hash": hashlib.pbkdf2_hmac("sha256", b"2468", b"salt", 50_000).hex()}


@app.get("/primes")
def primes() -> dict[str, int]:
    return {"primes": sum(all(n % d for d in range(2, isqrt(n) + 1)) for n in range(2, 10_000))}


@app.get("/modules")
def modules() -> dict[str, int]:
    return {"bytes": sum(path.stat().st_size for path in Path(hashlib.__file__).parent.glob("*.py"))}
