"""Whether both sides answer alike: status, headers that matter, bodies value by value, and SQL statements (pure).

Each side is asked several times. What changes from one answer of a side to its next, as new ids do, is no difference
between the sides; nor are times of day that lie close together, for the sides were not asked, nor started, at the same
time.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from http import HTTPStatus
from itertools import zip_longest

from loadtests.records.answer_differences import Difference, WholeAnswer

HEADERS = ("content-type", "location", "www-authenticate")
"""What is compared of the head, beside the status."""
MOST = 5
"""Differences of one request that are named."""
SHOWN = 80
"""Characters of a value that are shown."""
SHOWN_OF_A_FAILURE = 240
"""Characters of what an answer with an error status says, or the server's log."""
NOTHING = "(nothing)"
CLOSE = timedelta(minutes=2)
"""Times of day that are no further apart are those of two servers that were started, or asked, one after the other."""
Places = Mapping[str, object]
"""Values of a JSON document by the place where they stand."""


class AnswerComparison:
    """Compares answers; what was declared not to matter does not."""

    def __init__(self, ignored: Collection[str] = (), unordered: Collection[str] = ()) -> None:
        """Prepare.

        Args:
            ignored: places of JSON bodies that may differ: ``$.date_posted``, ``$.items[*].id``, ``$..id`` for any
                depth; or names of headers.
            unordered: places of lists whose order does not matter: ``$.items``, ``$`` for the whole body.
        """
        self._ignored = [_pattern(place) for place in ignored if place.startswith("$")]
        self._headers = [name for name in HEADERS if name not in {each.lower() for each in ignored}]
        self._unordered = [_pattern(place) for place in unordered]

    def __call__(self, request: str, a: Sequence[WholeAnswer], b: Sequence[WholeAnswer]) -> list[Difference]:
        """Return how the sides' answers to one request differ; see ``CompareAnswers``."""
        found = [Difference(request=request, what=what, a=of_a, b=of_b) for what, of_a, of_b in self._differences(a, b)]
        failed = found and found[0].what == "status"
        return [*found[:MOST], *([] if failed else _statements(request, a, b))]

    def _differences(self, a: Sequence[WholeAnswer], b: Sequence[WholeAnswer]) -> Iterator[tuple[str, str, str]]:
        if {answer.status for answer in a} != {answer.status for answer in b}:
            yield "status", _status(a[-1]), _status(b[-1])
            return  # the body of a refusal is another one
        for name in self._headers:
            values = [{_header(answer, name) for answer in side} for side in (a, b)]
            if values[0] != values[1] and all(len(each) == 1 for each in values):
                yield name, values[0].pop() or NOTHING, values[1].pop() or NOTHING
        documents = [[_json(answer) for answer in side] for side in (a, b)]
        if all(document is not None for side in documents for document in side):
            yield from self._in_documents([[each for each in side if each is not None] for side in documents])
        else:
            yield from _in_texts(a, b)

    def _in_documents(self, documents: Sequence[Sequence[Places]]) -> Iterator[tuple[str, str, str]]:
        of_a, of_b = ([dict(self._places(each)) for each in side] for side in documents)
        changing = {
            place
            for side in (of_a, of_b)
            for places in side
            for place in places.keys() | side[0].keys()
            if places.get(place, NOTHING) != side[0].get(place, NOTHING)
        }
        for place in dict.fromkeys([*of_a[0], *of_b[0]]):
            if place in changing or any(fnmatchcase(place, pattern) for pattern in self._ignored):
                continue
            one, other = of_a[0].get(place, NOTHING), of_b[0].get(place, NOTHING)
            if one != other and not _are_close(one, other):
                yield place, _value(one), _value(other)

    def _places(self, document: Places) -> Iterator[tuple[str, object]]:
        yield from self._walk("$", document["$"])

    def _walk(self, place: str, value: object) -> Iterator[tuple[str, object]]:
        if isinstance(value, dict) and value:
            for name, each in value.items():
                yield from self._walk(f"{place}.{name}", each)
        elif isinstance(value, list) and value:
            if any(fnmatchcase(place, pattern) for pattern in self._unordered):
                value = sorted(value, key=lambda each: json.dumps(each, sort_keys=True))
            for number, each in enumerate(value):
                yield from self._walk(f"{place}[{number}]", each)
        else:
            yield place, value


def _pattern(place: str) -> str:
    """Return a declared place as a pattern of fnmatch: brackets stand for themselves there, but for ``[*]``."""
    escaped = place.replace("[", "[[]").replace("[[]*]", "[[]*]")
    return escaped.replace("$..", "$*.")


def _json(answer: WholeAnswer) -> Places | None:
    """Return a body as JSON, under the place ``$``; None if it is none."""
    if "json" not in answer.headers.get("content-type", ""):
        return None
    try:
        return {"$": json.loads(answer.body)}
    except ValueError:
        return None


def _in_texts(a: Sequence[WholeAnswer], b: Sequence[WholeAnswer]) -> Iterator[tuple[str, str, str]]:
    """Yield the first line in which two texts differ, or that two bodies do; what changes within a side is left out."""
    lines = [[_lines(answer) for answer in side] for side in (a, b)]
    if any(each is None or len(each) != len(side[0] or ()) for side in lines for each in side):
        of_a, of_b = ({answer.body for answer in side} for side in (a, b))
        if len(of_a) == len(of_b) == 1 and of_a != of_b:
            yield "body", f"{a[0].size:,} bytes", f"{b[0].size:,} bytes, others"
        return
    of_a0, of_b0 = lines[0][0] or [], lines[1][0] or []
    for number, (one, other) in enumerate(zip_longest(of_a0, of_b0, fillvalue=NOTHING)):
        changes = any(
            each is not None and number < len(each) and each[number] != (side[0] or [])[number]
            for side in lines
            for each in side
        )
        if one != other and not changes:
            yield f"line {number + 1}", _shortened(one), _shortened(other)
            return


def _lines(answer: WholeAnswer) -> list[str] | None:
    """Return a text's lines without the space around them; None if it is no text."""
    try:
        return [line.strip() for line in answer.body.decode().splitlines() if line.strip()]
    except UnicodeDecodeError:
        return None


def _statements(request: str, a: Sequence[WholeAnswer], b: Sequence[WholeAnswer]) -> Iterator[Difference]:
    """Yield that one side executes more SQL than the other; the last answer counts: first ones fill caches."""
    of_a, of_b = a[-1].statements, b[-1].statements
    if of_a is not None and of_b is not None and of_a != of_b:
        yield Difference(request=request, what="statements", a=str(of_a), b=str(of_b), stops=False)


def _header(answer: WholeAnswer, name: str) -> str:
    value = answer.headers.get(name, "")
    return value.partition(";")[0].strip().lower() if name == "content-type" else value


def _status(answer: WholeAnswer) -> str:
    if not answer.status:
        return _shortened(answer.body.decode(errors="replace"), SHOWN_OF_A_FAILURE)
    try:
        phrase = f" {HTTPStatus(answer.status).phrase}"
    except ValueError:
        phrase = ""
    body = answer.body.decode(errors="replace") if answer.status >= HTTPStatus.BAD_REQUEST else ""
    begins = _shortened(answer.log or body, SHOWN_OF_A_FAILURE)
    return f"{answer.status}{phrase}" + (f": {begins}" if begins else "")


def _are_close(one: object, other: object) -> bool:
    """Whether two values are times of day that lie close together (ISO 8601)."""
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    try:
        return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other)) <= CLOSE
    except (ValueError, TypeError):  # no times, or one with a time zone and one without
        return False


def _value(value: object) -> str:
    return NOTHING if value is NOTHING else _shortened(json.dumps(value, ensure_ascii=False))


def _shortened(text: str, most: int = SHOWN) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
