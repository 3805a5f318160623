"""What no single key of a configuration can tell: outlines, rows, and keys that contradict one another."""

from collections.abc import Iterator
from pathlib import Path

from stillroom import outline
from stillroom.config import OWN_CAMERA, UnitConfig, Zones
from stillroom.config_conditions import faults, row_faults
from stillroom.config_technical import TECHNICAL, limit_faults
from stillroom.errors import ConfigError


def check_zones(path: Path, zones: Zones) -> None:
    """Raises ConfigError: outlines that cross themselves or hold nothing, an edge without a bed."""
    drawn = [(name, getattr(zones, name)) for name in zones.__struct_fields__ if name != "private"]
    drawn += [(f"private.{number}", polygon) for number, polygon in enumerate(zones.private)]
    for name, polygon in drawn:
        wrong = None if polygon is None else outline.fault(polygon)
        if wrong:
            raise ConfigError(f"{path}: key 'zones.{name}' = {outline.words(polygon)}: {wrong}")
    if zones.bed_edge and not zones.bed:
        raise ConfigError(f"{path}: key 'zones.bed_edge': an edge belongs to a bed: add 'zones.bed'")


def faults_together(config: UnitConfig) -> Iterator[tuple[str, str]]:
    """Key and what is wrong with it: times of the room, conditions of a person and of the unit that contradict."""
    leave_s, unseen_s = config.room.leave_dwell_s, config.room.unseen_unknown_s
    if leave_s >= unseen_s:
        yield "room.leave_dwell_s", f"= {leave_s:g}: must be shorter than 'unseen_unknown_s', {unseen_s:g}"
    for key, wrong in faults(config.conditions):
        yield f"conditions.{key}", wrong
    technical = config.technical
    rows = {code.replace("-", "_"): technical.rows(code) for code in TECHNICAL}
    for key, wrong in (*limit_faults(technical, config.slots.period_s), *row_faults(rows)):
        yield f"technical.{key}", wrong


def said(key: str, wrong: str) -> str:
    """One of these faults in words."""
    return f"key '{key}'{' ' if wrong.startswith('=') else ': '}{wrong}"


def check_together(path: Path, config: UnitConfig) -> None:
    """Raises ConfigError: file, key, value, what is allowed."""
    check_zones(path, config.zones)
    for key, wrong in faults_together(config):
        raise ConfigError(f"{path}: {said(key, wrong)}")
    if config.profile == "care" and config.camera.kind != OWN_CAMERA:
        raise ConfigError(
            f"{path}: key 'camera.kind' = '{config.camera.kind}': profile 'care' takes only 'picamera2'; "
            'use profile = "lab" for a simulated or recorded camera'
        )
    if config.profile == "care" and config.panel.kind != "gpio":
        raise ConfigError(
            f"{path}: key 'panel.kind' = '{config.panel.kind}': profile 'care' takes only 'gpio'"
        )
    if config.profile == "care" and not config.panel.required:
        raise ConfigError(f"{path}: key 'panel.required' = false: profile 'care' takes only true")
    if config.profile == "care" and not config.broker.tls:
        raise ConfigError(f"{path}: key 'broker.tls' = false: profile 'care' takes only true")
    if config.broker.certificate_file and not config.broker.key_file:
        raise ConfigError(f"{path}: key 'broker.key_file' is missing: a certificate needs its key")
