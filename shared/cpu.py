"""CPU-bound work: deterministic, so that a client can check it was done."""

import hashlib
import statistics
import time
from functools import lru_cache
from random import Random

from PIL import Image

from shared.workloads import Crunched, Hashed, Thumbnail

FNV_OFFSET, FNV_PRIME, FNV_MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


def fnv1a(rounds: int) -> int:
    """Hash this many bytes in pure Python (64-bit FNV-1a), which holds the GIL all the way."""
    digest = FNV_OFFSET
    for byte in range(rounds):
        digest = ((digest ^ (byte & 0xFF)) * FNV_PRIME) & FNV_MASK
    return digest


def hashed(rounds: int) -> Hashed:
    """Hash in pure Python."""
    return Hashed(rounds=rounds, digest=f"{fnv1a(rounds):016x}")


@lru_cache
def photo() -> Image.Image:
    """Return the picture that is resized, made once."""
    across, around = Image.linear_gradient("L"), Image.radial_gradient("L")
    down = across.transpose(Image.Transpose.ROTATE_90)
    return Image.merge("RGB", (across, around, down)).resize((1600, 1200))


def thumbnail(size: int) -> Thumbnail:
    """Resize the picture with Pillow, which releases the GIL meanwhile."""
    small = photo().resize((size, size), Image.Resampling.LANCZOS)
    return Thumbnail(width=small.width, height=small.height, sha256=hashlib.sha256(small.tobytes()).hexdigest())


def crunched(rows: int) -> Crunched:
    """Generate rows and describe them."""
    random = Random(rows)
    values = [random.gauss(100, 15) for _ in range(rows)]
    return Crunched(
        rows=rows,
        mean=statistics.fmean(values),
        median=statistics.median(values),
        deviation=statistics.pstdev(values),
    )


def burn(cpu_ms: float) -> float:
    """Hash until this thread has used that much CPU time, and return how much it was, in milliseconds.

    Measured on the thread's own clock: a request costs the same however busy the machine is.
    """
    start = time.thread_time()
    while (burnt_ms := (time.thread_time() - start) * 1000) < cpu_ms:
        fnv1a(200)
    return burnt_ms
