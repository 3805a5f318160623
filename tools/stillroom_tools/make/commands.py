"""`stillroom make ...`: what a hardware team does."""

import argparse

from stillroom_tools import subcommands

HELP = "make units"

_COMMANDS = {
    "unit": ("stillroom_tools.make.unit", "make a unit of a site: keys, trust, configuration, enrolment")
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    subcommands.add(parser, _COMMANDS)


def run(options: argparse.Namespace) -> int:
    return subcommands.run(options, _COMMANDS)
