"""`stillroom eye|keeper|courier`: one of the three processes. `stillroom run` or systemd starts them."""

import argparse
from pathlib import Path

HELP = "one of the three processes of a unit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the unit's configuration file")
    parser.add_argument("--parent", type=int, help="end when this process ends (set by `stillroom run`)")


def run(options: argparse.Namespace) -> int:
    """Import only the process that is asked for: its memory is part of its promise."""
    if options.command_name == "eye":
        from stillroom.eye.main import main
    elif options.command_name == "keeper":
        from stillroom.keeper.main import main
    else:
        from stillroom.courier.main import main
    return main(options.config, options.parent)
