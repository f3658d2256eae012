"""Values as TOML has them on one line (pure); Python reads the format, and does not write it."""

import json
import re
from collections.abc import Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def value_text(value: object) -> str:
    """Write a text, a number, true or false, or a list or table of such; raises ValueError for None: TOML has none."""
    if isinstance(value, Mapping):
        pairs = [f"{key_text(str(key))} = {value_text(each)}" for key, each in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise ValueError(f"TOML has no {type(value).__name__}")


def key_text(key: str) -> str:
    """Write a key, in quotes where it needs them."""
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    """Write a text as JSON does, whose escapes TOML has, too; but DEL is escaped, and half a character is none."""
    whole = text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
