"""Pure Python that counts primes in an `async def`; the same in a `def` is as it should be."""

from math import isqrt

from fastapi import FastAPI

app = FastAPI()


@app.get("/primes")
async def primes() -> dict[str, int]:
    found = sum(all(n % d for d in range(2, isqrt(n) + 1)) for n in range(2, 15_000))  # blocks here
    return {"primes": found}


@app.get("/primes/in-a-thread")
def primes_in_a_thread() -> dict[str, int]:
    found = sum(all(n % d for d in range(2, isqrt(n) + 1)) for n in range(2, 15_000))
    return {"primes": found}
