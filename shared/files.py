"""The file that `file?kib=` reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

LARGEST_KIB = 16_384


@contextmanager
def sample_file() -> Iterator[Path]:
    """Write a file as large as any request may ask for, the same bytes every time; remove it at the end."""
    with TemporaryDirectory(prefix="def-or-async-") as directory:
        path = Path(directory) / "sample.bin"
        path.write_bytes(Random(0).randbytes(1024 * 1024) * (LARGEST_KIB // 1024))
        yield path
