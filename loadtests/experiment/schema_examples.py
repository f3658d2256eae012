"""Examples of what a JSON schema of an OpenAPI document allows (pure)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.experiment.credentials import names_a_secret_field

FORMATS: Mapping[str, str] = {
    "date-time": "2026-01-01T12:00:00Z",
    "date": "2026-01-01",
    "time": "12:00:00Z",
    "duration": "PT1M",
    "email": "ada@example.org",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "uri": "https://example.org/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.org",
}
"""By format of a text: one that is of it."""
WORD = "text"
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """A value, and whether the document itself has it; else it is a guess."""

    value: Any
    is_given: bool


def example(schema: Schema, document: Schema, name: str = "") -> Example:
    """Return an example: what the schema gives as one, its default, the first of its choices, or a guess by its type.

    A text that is a secret by its name is a place for one: ``${PASSWORD}``.

    Args:
        schema: of the value.
        document: in which references are looked up.
        name: what the value is called.
    """
    return _example(schema, document, name, ())


def given_example(holder: Schema) -> Example | None:
    """Return what a schema, a parameter or a media type gives as an example; None if it gives none."""
    examples = holder.get("examples")
    if holder.get("example") is not None:
        return Example(holder["example"], is_given=True)
    if isinstance(examples, list) and examples:
        return Example(examples[0], is_given=True)
    if isinstance(examples, Mapping):  # of a parameter or a media type: each by its name
        values = [each["value"] for each in examples.values() if isinstance(each, Mapping) and "value" in each]
        return Example(values[0], is_given=True) if values else None
    return None


def resolved(schema: Schema, document: Schema) -> Schema:
    """Return what a reference refers to, or what is none as it is; of what is not there, nothing."""
    found: Any = schema
    if isinstance(schema.get("$ref"), str):
        found = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _example(schema: object, document: Schema, name: str, inside: tuple[str, ...]) -> Example:
    """Return an example; ``inside`` are the references that led here, for a schema may hold itself."""
    schema = schema if isinstance(schema, Mapping) else {}  # true: anything
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in inside:
            return Example(None, is_given=False)
        return _example(resolved(schema, document), document, name, (*inside, reference))
    if names_a_secret_field(name) and _kind(schema) in ("string", ""):
        return Example(f"${{{name.upper().replace('-', '_')}}}", is_given=False)
    if (stated := _stated(schema)) is not None:
        return stated
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        found = [_example(choice, document, name, inside) for choice in choices]
        return next((each for each in found if each.value is not None), found[0])
    whole = _together(schema["allOf"], schema, document) if schema.get("allOf") else schema
    return _stated(whole) or Example(_guess(whole, document, name, inside), is_given=False)


def _stated(schema: Schema) -> Example | None:
    """Return a value that a schema itself has: an example, its default, or the first of its choices."""
    if (given := given_example(schema)) is not None:
        return given
    choices = [schema.get("default"), schema.get("const"), *schema.get("enum", ())[:1]]
    return next((Example(value, is_given=True) for value in choices if value is not None), None)


def _kind(schema: Schema) -> str:
    """Return a schema's type, or an empty text; of several the first that is not null."""
    kind = schema.get("type", "object" if "properties" in schema else "")
    kinds = kind if isinstance(kind, list) else [kind]
    return next((str(each) for each in kinds if each != "null"), "null")


def _together(parts: Sequence[Schema], schema: Schema, document: Schema) -> dict[str, Any]:
    """Return the one schema that several make, all of which hold."""
    made: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        for key, value in resolved(part, document).items():
            if key == "properties":
                made[key] = {**value, **made.get(key, {})}
            elif key == "required":
                made[key] = [*made.get(key, []), *value]
            else:
                made.setdefault(key, value)
    return made


def _guess(schema: Schema, document: Schema, name: str, inside: tuple[str, ...]) -> object:
    """Return a value of a schema's type; of an object what it has to have, or all there is."""
    kind = _kind(schema)
    if kind == "object":
        properties, needed = schema.get("properties", {}), schema.get("required", ())
        wanted = [each for each in properties if each in needed] or [*properties]
        found = {each: _example(properties[each], document, each, inside).value for each in wanted}
        return {each: value for each, value in found.items() if value is not None or each in needed}
    if kind == "array":
        item = _example(schema.get("items", {}), document, name, inside).value
        return [] if item is None else [item] * max(1, schema.get("minItems", 1))
    plain = {"integer": _number(schema), "number": float(_number(schema)), "boolean": True, "null": None}
    return plain[kind] if kind in plain else _word(schema)


def _word(schema: Schema) -> str:
    if (text := FORMATS.get(schema.get("format", ""))) is not None:
        return text
    least = schema.get("minLength", 0)
    return WORD.ljust(least, "x")[: schema.get("maxLength", max(least, len(WORD)))]


def _number(schema: Schema) -> int:
    """Return a small whole number in the limits of a schema, which may be written in two ways."""
    number, least, most = 1, schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if least is not None:
        number = max(number, math.ceil(least))
    if above is True and least is not None:
        number = max(number, math.floor(least) + 1)
    elif isinstance(above, int | float) and not isinstance(above, bool):
        number = max(number, math.floor(above) + 1)
    if most is not None:
        number = min(number, math.floor(most))
    if isinstance(below, int | float) and not isinstance(below, bool):
        number = min(number, math.ceil(below) - 1)
    return number
