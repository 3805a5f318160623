"""`stillroom make ...`: what a hardware team does."""

import argparse

from stillroom_tools import subcommands

HELP = "make units"

_COMMANDS = {
    "unit": (
        "stillroom_tools.make.unit",
        "make a unit: its keys, and with a site at hand trust, configuration and enrolment",
    ),
    "label": (
        "stillroom_tools.make.label",
        "a unit's label: model, serial, fingerprint, as a square and in words; and reading one back",
    ),
    "key": ("stillroom_tools.make.key", "a maker's or an installer's own key, locked by a passphrase"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subcommands.add(parser, _COMMANDS)


def run(options: argparse.Namespace) -> int:
    return subcommands.run(options, _COMMANDS)
