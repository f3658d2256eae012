"""How far what `bench check` predicts of a change is from what is measured; on a machine where nothing else runs.

Called as ``python -m tests.benchmarks.check_predictions [BUDGET]``, with the budget of each of six proofs, as 60s.
"""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from loadtests.check.checking import CheckOptions, carry_out
from loadtests.check.prove import ProofOptions, prove
from tests.check.upstream import upstream

USERS = 64
APP = """
import os, time, urllib.request
from typing import Annotated
from fastapi import Depends, FastAPI, Header
app = FastAPI()
def language(accept_language: Annotated[str, Header()] = "en") -> str:
    return accept_language.split(",")[0]
async def plan() -> str:
    time.sleep(0.01)
    return "free"
@app.get("/sleep/5")
async def sleep_5() -> dict[str, int]:
    time.sleep(0.005)
    return {"slept_ms": 5}
@app.get("/sleep/50")
async def sleep_50() -> dict[str, int]:
    time.sleep(0.05)
    return {"slept_ms": 50}
@app.get("/service")
async def service() -> dict[str, str]:
    with urllib.request.urlopen(os.environ["UPSTREAM_URL"] + "/x?wait_ms=20") as answer:
        return {"said": answer.read().decode()}
@app.get("/plan")
async def plan_(name: Annotated[str, Depends(plan)]) -> dict[str, str]:
    return {"plan": name}
@app.get("/greeting")
async def greeting(lang: Annotated[str, Depends(language)]) -> dict[str, str]:
    return {"language": lang}
@app.get("/primes")
async def primes() -> dict[str, int]:
    return {"primes": sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, 9_000))}
@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
"""


def main(budget: str) -> None:
    """Check the app, prove every change that can be made, and print both ratios."""
    with tempfile.TemporaryDirectory() as folder, upstream() as variables:
        os.chdir(folder)
        Path("main.py").write_text(APP)
        app = "main:app" + "".join(f",env.{name}={value}" for name, value in variables.items())
        checked = carry_out(CheckOptions(app, users=USERS), Path("work"), lambda _: None)
        how = ProofOptions(app, USERS, budget, Path("proofs"), "sqlite", 20.0)
        errors = []
        for route in checked.check.routes:
            if route.change is None:
                continue
            found = prove(route, checked.scenarios[route.method, route.path], how, lambda _: None)
            if found.gain is None or found.gain.proved is None:
                print(f"{route.path}: {found.note}", flush=True)
                continue
            gain, (proved, low, high) = found.gain, found.gain.proved
            errors.append(abs(gain.ratio / proved - 1))
            print(
                f"{route.path:12} {route.change:24} predicted {gain.ratio:5.2f} ({gain.low:.2f} to {gain.high:.2f})"
                f"  measured {proved:5.2f} ({low:.2f} to {high:.2f})  off by {errors[-1]:.0%}",
                flush=True,
            )
        if errors:
            print(f"median {median(errors):.0%} of {len(errors)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "3m")
