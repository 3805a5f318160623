"""Every field that an eye may say or that may leave a unit says its unit and what it can identify. No exception."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct, inspect

from stillroom import events, observation

IDENTIFIES = {"none", "person"}
ROOTS = [observation.Observation, events.Body, events.DownBody]


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
            yield from leaves(field.type, f"{path}.{field.name}")
    elif isinstance(kind, inspect.VarTupleType):
        yield from leaves(kind.item_type, path)
    elif isinstance(kind, inspect.TupleType):
        for one in kind.item_types:
            yield from leaves(one, path)
    elif not isinstance(kind, inspect.NoneType):
        yield path, {}


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.__name__)
def test_every_field_is_classified(root):
    found = list(leaves(inspect.type_info(root), root.__name__))
    assert len(found) > 3
    assert [path for path, row in found if row.get("identifies") not in IDENTIFIES or "unit" not in row] == []


def test_a_field_without_a_class_is_found():
    class Careless(Struct):
        known: Annotated[int, Meta(extra={"unit": "1", "identifies": "none"})]
        unknown: float

    found = dict(leaves(inspect.type_info(Careless), "Careless"))
    assert found["Careless.known"] and not found["Careless.unknown"]


def test_everything_that_may_leave_says_how_long_it_is_kept():
    for kind in (events.Snapshot, *events.Event.__args__):
        assert kind.retention in {"live", "routine", "care", "audit"}
