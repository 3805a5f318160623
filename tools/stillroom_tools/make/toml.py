"""A configuration as TOML, every value filled. Only what configurations hold: no dates, no None in a list."""

import json
from typing import Any

import msgspec
from msgspec import Struct

_NOT_KEYS = ("folder",)


def to_toml(config: Struct) -> str:
    """Tables for structs, one line a value; what is None is left out."""
    values: dict[str, Any] = msgspec.to_builtins({f: getattr(config, f) for f in _keys(config)})
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    parts = [_lines(plain)] + [f"\n[{key}]\n{_lines(table)}" for key, table in tables.items()]
    return "".join(parts)


def _keys(config: Struct) -> list[str]:
    return [name for name in config.__struct_fields__ if name not in _NOT_KEYS]


def _lines(values: dict[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items() if value is not None)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return repr(value)
