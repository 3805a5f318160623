"""What may cross each wall, drawn from its tables: `python -m stillroom_tools.fields` prints README's diagram.

Nobody keeps it up by hand: a test holds README to what is printed here, and another that no field is without its class.
"""

from collections.abc import Iterator
from typing import Any, get_args

from msgspec import inspect

from stillroom import events, observation

WIDTH = 118
CLASSES = {"person": "of a person", "none": "of nobody"}
"""What `identifies` in a row can be, and how the diagram says it."""


def leaves(kind: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each place where a value stands, with what its row says of it; structs, unions and lists are gone through."""
    if isinstance(kind, inspect.Metadata):
        if kind.extra:
            yield path, kind.extra
        else:
            yield from leaves(kind.type, path)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from leaves(one, path)
    elif isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield from leaves(field.type, f"{path}.{field.name}" if path else field.name)
    elif isinstance(kind, inspect.VarTupleType):
        yield from leaves(kind.item_type, path)
    elif isinstance(kind, inspect.TupleType):
        for one in kind.item_types:
            yield from leaves(one, path)
    elif not isinstance(kind, inspect.NoneType):
        yield path, {}


def diagram() -> str:
    """Lines of at most WIDTH characters."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield " eye"
    yield "  |   Observation: " + _first_sentence(observation.Observation)
    yield from _fields(observation.Observation)
    yield "  v"
    yield " keeper"
    for kind in (events.Snapshot, *get_args(events.Event)):
        yield f"  |   {kind.__name__}: {_first_sentence(kind)} ({kind.retention})"
        yield from _fields(kind)
    yield "  v   sealed to the recipients that the roster names, in records of one size"
    yield " courier, broker, recipients"
    yield "  |   DownBody, from the gateway: " + _first_sentence(events.DownBody)
    yield from _fields(events.DownBody)
    yield "  v"
    yield " keeper"


def _fields(kind: type) -> Iterator[str]:
    rows = [(path, row) for path, row in leaves(inspect.type_info(kind), "") if path]
    for identifies, words in CLASSES.items():
        names = [_name(path, row, rows) for path, row in rows if row.get("identifies") == identifies]
        yield from _wrapped(f"{words:<11}", list(dict.fromkeys(names)))


def _name(path: str, row: dict[str, Any], rows: list[tuple[str, dict[str, Any]]]) -> str:
    """With its unit; the name of the whole where all of it is of one class and has no units."""
    whole = path.rpartition(".")[0]
    beside = [other for place, other in rows if whole and place.startswith(f"{whole}.")]
    if beside and all(other == beside[0] for other in beside):
        return whole
    unit = row.get("unit", "")
    return f"{path} [{unit}]" if unit not in {"", "1"} else path


def _wrapped(label: str, names: list[str]) -> Iterator[str]:
    line, start = "", f"  |      {label} "
    for name in names:
        more = f"{line}, {name}" if line else name
        if len(start) + len(more) > WIDTH and line:
            yield f"{start}{line},"
            start, more = f"  |      {'':<{len(label)}} ", name
        line = more
    if line:
        yield start + line


def _first_sentence(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0].split(". ")[0].rstrip(".")


if __name__ == "__main__":
    print(diagram(), end="")
