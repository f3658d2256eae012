"""Files that options name with ``@``: a body, a pasted command, values."""

from pathlib import Path

from loadtests.system.errors import UsageError

MOST_BYTES = 64 * 2**20


def read_file(file: str, option: str) -> bytes:
    """Return what a file holds that an option names; raises UsageError."""
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{option} {file}: it can't be read: {error.strerror or error}") from None
    if len(content) > MOST_BYTES:
        raise UsageError(f"{option} {file}: it is larger than {MOST_BYTES // 2**20} MiB")
    return content


def encoded(text: str, option: str) -> bytes:
    """Return what an option was given, in UTF-8; raises UsageError if it was no text."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{option}: this is not UTF-8 text; write it into a file and give @FILE") from None


def is_text(content: bytes) -> bool:
    """Whether bytes are text in UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
