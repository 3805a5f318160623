"""What is wrong with a configuration, in words made from the schema's own rows. Imported only when something is."""

import difflib
import re
from datetime import date, time
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct


def explain(message: str, raw: dict[str, Any], schema: type) -> str:
    """One line: the key, its value, what is allowed."""
    what, _, where = message.partition(" - at `$")
    keys = re.findall(r"[^.\[\]`]+", where)
    key = ".".join(keys)
    unknown = re.search(r"unknown field `([^`]*)`", what)
    if unknown:
        return _explain_unknown(unknown[1], keys, schema)
    missing = re.search(r"missing required field `([^`]*)`", what)
    if missing:
        return f"key '{'.'.join([*keys, missing[1]])}' is missing: add it"
    value: Any = raw
    for step in keys:
        value = value[int(step)] if isinstance(value, list) else value.get(step, value)
    allowed = _allowed(schema, keys)
    wrong = f"{what[:1].lower()}{what[1:].replace('`', '')}"
    return f"key '{key}' = {_short(value)}: {allowed or wrong}"


def _allowed(schema: type, keys: list[str]) -> str:
    """What a key takes, in words from its own row; empty where the row says nothing."""
    from msgspec import inspect

    kind, said = _row_of(schema, keys), ""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.Metadata):
            said, kind = (kind.extra_json_schema or {}).get("description", said), kind.type
        else:
            kind = _not_none(kind)
    if isinstance(kind, inspect.StructType) and not said:
        return "allowed is a table"
    if isinstance(kind, inspect.LiteralType):
        return f"allowed is {' or '.join(repr(v) for v in kind.values)}"
    if isinstance(kind, inspect.FloatType | inspect.IntType) and kind.ge is not None:
        number = "a number" if isinstance(kind, inspect.FloatType) else "a whole number"
        even = f", a multiple of {kind.multiple_of}" if kind.multiple_of else ""
        return f"allowed is {number} from {kind.ge} to {kind.le}{even}"
    text = "text: " if isinstance(kind, inspect.StrType) else ""
    return f"allowed is {text}{said}" if said else ""


def _row_of(schema: type, keys: list[str]) -> Any:
    """The description of the type that `keys` lead to."""
    from msgspec import inspect

    kind: Any = inspect.type_info(schema)
    for step in keys:
        while isinstance(kind, inspect.Metadata):
            kind = kind.type
        while isinstance(kind, inspect.UnionType):
            kind = _not_none(kind)
        while isinstance(kind, inspect.Metadata):
            kind = kind.type
        if isinstance(kind, inspect.StructType):
            kind = next(f.type for f in kind.fields if f.encode_name == step)
        elif isinstance(kind, inspect.VarTupleType):
            kind = kind.item_type
        elif isinstance(kind, inspect.TupleType):
            kind = kind.item_types[int(step)]
    return kind


def _not_none(kind: Any) -> Any:
    from msgspec import inspect

    return next(each for each in kind.types if not isinstance(each, inspect.NoneType))


def _explain_unknown(name: str, keys: list[str], schema: type) -> str:
    for step in keys:
        schema = next((s for s in _structs(get_type_hints(schema).get(step)) if s), schema)
    known = [f.name for f in msgspec.structs.fields(schema) if f.name != "folder"]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
    return f"unknown key '{'.'.join([*keys, name])}': {hint}"


def _structs(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return [annotation]
    if get_origin(annotation) is None:
        return []
    return [found for part in get_args(annotation) for found in _structs(part)]


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, date | time) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
