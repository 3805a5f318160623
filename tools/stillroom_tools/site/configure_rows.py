"""`--set conditions.left_bed=[...]` and its like: rows of `unit.toml` as they stand in a signed configuration."""

import tomllib

import msgspec

from stillroom.clock import MS_PER_S
from stillroom.config import UnitConfig
from stillroom.config_conditions import KEYS, Row
from stillroom.config_technical import TECHNICAL
from stillroom.config_words import explain
from stillroom.errors import ConfigError
from stillroom.orders import ConditionRows, OrderedRow, RoomConditions

TIME_ZONE = "conditions.time_zone"
CODES = {f"conditions.{key}": key.replace("_", "-") for key in KEYS} | {
    f"technical.{code.replace('-', '_')}": code for code in TECHNICAL
}
"""Key of `unit.toml`: the condition's code."""


def with_rows(before: RoomConditions, key: str, text: str) -> RoomConditions:
    """The same conditions with this key, one of `CODES` or `TIME_ZONE`, set to a TOML value.

    Raises ConfigError: key, value, what is allowed.
    """
    table, _, name = key.partition(".")
    try:
        (given,) = tomllib.loads(f"value = {text}").values()
    except (tomllib.TOMLDecodeError, ValueError):
        raise ConfigError(
            f'--set {key}={text!a}: a TOML value is needed: [{{ level = "high" }}], or "Europe/London"'
        ) from None
    raw = {"site": "s", "unit": "u", table: {name: given}}
    try:
        found = getattr(getattr(msgspec.convert(raw, UnitConfig, strict=True), table), name)
        if key == TIME_ZONE:
            return msgspec.structs.replace(before, time_zone=found)
        rows = ConditionRows(CODES[key], tuple(_ordered(row) for row in found))
        others = (one for one in before.each if one.condition != rows.condition)
        return RoomConditions(before.room, before.time_zone, (*others, rows))
    except msgspec.ValidationError as error:
        raise ConfigError(f"--set {explain(str(error), raw, UnitConfig)}") from None
    except ValueError as error:
        raise ConfigError(f"--set {key}: {error}, which is more than fits: --reset first") from None


def _ordered(row: Row) -> OrderedRow:
    return OrderedRow(row.level, round(row.after_s * MS_PER_S), row.start, row.until)
