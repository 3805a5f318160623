"""`stillroom make ...`: what a hardware team does."""

import argparse

from stillroom_tools import subcommands

HELP = "make units"

_COMMANDS = {
    "unit": (
        "stillroom_tools.make.unit",
        "make a unit: its keys, and with a site at hand trust, configuration and enrolment",
    ),
    "batch": ("stillroom_tools.make.batch", "many units from one CSV: import, run, status"),
    "label": (
        "stillroom_tools.make.label",
        "a unit's label: model, serial, fingerprint, as a square and in words; and reading one back",
    ),
    "enrol": (
        "stillroom_tools.make.enrol",
        "a facility lets a batch of units in: enrolments, papers, the broker's list",
    ),
    "accept": (
        "stillroom_tools.make.accept",
        "an installer's word that a unit hangs as it should: zones, light, distance; signed",
    ),
    "rotate": ("stillroom_tools.make.rotate", "new keys for a unit, named by its old ones"),
    "revoke": (
        "stillroom_tools.make.revoke",
        "a unit counts no longer: out of the site, refused by gateway and broker",
    ),
    "decommission": (
        "stillroom_tools.make.decommission",
        "the end of a unit: erase its card, keep its receipt, mark it gone",
    ),
    "key": ("stillroom_tools.make.key", "a maker's or an installer's own key, locked by a passphrase"),
    "selftest": ("stillroom_tools.make.selftest", "look at the report of a unit's self-test: verify FILE"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subcommands.add(parser, _COMMANDS)


def run(options: argparse.Namespace) -> int:
    return subcommands.run(options, _COMMANDS)
