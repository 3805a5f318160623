"""Every field that an eye may say or that may leave a unit says its unit and what it can identify. No exception."""

from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct, inspect

from stillroom import events, observation
from stillroom_tools.fields import CLASSES, diagram, leaves

README = Path(__file__).resolve().parent.parent / "README.md"
ROOTS = [
    kind
    for module in (observation, events)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Struct) and kind.__module__ == module.__name__
]


def test_the_roots_are_all_there_is():
    names = {kind.__name__ for kind in ROOTS}
    assert {"Observation", "Reading", "Box", "Body", "Entry", "Snapshot", "DownBody", "Command"} <= names


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.__name__)
def test_every_field_is_classified(root):
    found = list(leaves(inspect.type_info(root), root.__name__))
    assert found
    assert [path for path, row in found if row.get("identifies") not in CLASSES or "unit" not in row] == []


def test_a_field_without_a_class_is_found():
    class Careless(Struct):
        known: Annotated[int, Meta(extra={"unit": "1", "identifies": "none"})]
        unknown: float

    found = dict(leaves(inspect.type_info(Careless), "Careless"))
    assert found["Careless.known"] and not found["Careless.unknown"]


def test_everything_that_may_leave_says_how_long_it_is_kept():
    for kind in (events.Snapshot, *events.Event.__args__):
        assert kind.retention in {"live", "routine", "care", "audit"}


def test_readme_holds_the_diagram_of_these_tables():
    assert f"```\n{diagram()}```" in README.read_text(encoding="utf-8"), (
        "README: put there what `.venv/bin/python -m stillroom_tools.fields` prints"
    )
