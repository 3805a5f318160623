"""`[export]` of site.toml: for which purposes counts may leave, and by which columns. Nothing is loaded here."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from stillroom.document_forms import Code

WHEN = ("week", "shift", "days")
"""Columns of time, the finest that there are: ISO week, night or day, working days or weekend."""
WHAT = ("condition", "level")
Column = Literal["week", "shift", "days", "condition", "level"]


class Purpose(Struct, frozen=True, forbid_unknown_fields=True):
    """`[export.purposes.CODE]`."""

    columns: Annotated[tuple[Column, ...], Meta(min_length=2, max_length=5)]

    def __post_init__(self) -> None:
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("a column is named twice")
        if not self.when or not self.what:
            raise ValueError(f"a column of {', '.join(WHEN)} and one of {', '.join(WHAT)} are needed")

    @property
    def when(self) -> tuple[str, ...]:
        return tuple(name for name in WHEN if name in self.columns)

    @property
    def what(self) -> tuple[str, ...]:
        return tuple(name for name in WHAT if name in self.columns)


class ExportConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Without a purpose nothing is let out."""

    purposes: dict[Code, Purpose] = {}
    most_risk: Annotated[float, Meta(ge=0.01, le=0.2)] = 0.1
    """The most that an attack may gain, of what chance leaves to be gained."""
