"""What only a shell would understand of a side's command; no shell reads it, so it would be an argument (pure)."""

import re
import shlex
from pathlib import PurePath

SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh", "fish"})
_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|\\.""")
_BETWEEN_WORDS = re.compile(r"(?:^|\s)(\|\|?|&&?|;|\d*>>?(?=[\s&/\w.])|<)|(;)(?=\s|$)")
_EXPANDED = re.compile(r"\$\(|\$\{?\w+\}?|`")
"""What a shell puts something in place of, between double quotes, too."""


def needs_a_shell(name: str, command: str) -> str | None:
    """Return what is wrong with a command that has signs of a shell, and the mend; None if it has none.

    Args:
        name: of the setting that it is the value of.
        command: as it was typed.
    """
    try:
        words = shlex.split(command)
    except ValueError:  # said where it is read
        return None
    if not words or PurePath(words[0]).name in SHELLS:
        return None
    expanded = _EXPANDED.search(re.sub(r"'[^']*'|\\.", " ", command))
    between = _BETWEEN_WORDS.search(_QUOTED.sub("x", command))
    if expanded is None and between is None:
        return None
    sign = (between[1] or between[2]) if between else expanded[0] if expanded else ""
    if "'" in command or '"' in command:  # a side's value can't hold quotes in quotes in quotes
        port = " {port}" if name == "command" else ""
        mend = f"{name}=sh FILE{port}, with all of it in that file"
    else:
        mend = f"{name}=sh -c '{command}'"
    return f"no shell reads {name}, so that {sign} would be one of its arguments; write {mend}"
