"""`stillroom eye|keeper|courier`: one of the three processes. `stillroom run` or systemd starts them.

Their arguments are read here by hand: argparse would cost each of the three 2.5 MiB for as long as it lives.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stillroom.errors import EXIT_OK, EXIT_USAGE

NAMES = ("courier", "eye", "keeper")
_USERS = {
    "courier": ("--keeper-user",),
    "eye": ("--keeper-user",),
    "keeper": ("--eye-user", "--courier-user"),
}
_USAGE = """usage: stillroom {name} --config FILE [--parent PID]{more}{users}

one of the three processes of a unit; `stillroom run` starts all three

  --config FILE            the unit's configuration file
  --parent PID             end when this process ends (set by `stillroom run`)
  --...-user NAME          the account that one of the others runs as (set by systemd's units; else our own)"""
_MORE_USAGE = """
  --camera MODULE:FUNCTION what opens a camera of the lab (set by `stillroom run`)"""


def run(name: str, arguments: Sequence[str]) -> int:
    """Import only the process that is asked for: its memory is part of its promise."""
    if {"-h", "--help"} & set(arguments):
        more = " [--camera MODULE:FUNCTION]" if name == "eye" else ""
        accounts = "".join(f" [{option} NAME]" for option in _USERS[name])
        print(_USAGE.format(name=name, more=more, users=accounts) + (_MORE_USAGE if more else ""))
        return EXIT_OK
    options = dict(zip(arguments[::2], arguments[1::2], strict=False))
    if wrong := _mistake(name, arguments, options):
        print(f"stillroom {name}: {wrong}; 'stillroom {name} --help' tells more", file=sys.stderr)
        return EXIT_USAGE
    config, parent = Path(options["--config"]), int(options["--parent"]) if "--parent" in options else None
    users = [options.get(option, "") for option in _USERS[name]]
    if name == "eye":
        from stillroom.eye.main import main as eye

        return eye(config, parent, options.get("--camera", ""), *users)
    if name == "keeper":
        from stillroom.keeper.main import main as keeper

        return keeper(config, parent, *users)
    from stillroom.courier.main import main as courier

    return courier(config, parent, *users)


def _mistake(name: str, arguments: Sequence[str], options: Mapping[str, str]) -> str:
    """What is not as it must be, pairs of option and value each once; empty: nothing."""
    known = {"--config", "--parent", *_USERS[name]} | ({"--camera"} if name == "eye" else set())
    for option in arguments[::2]:
        if option not in known:
            return f"unknown argument '{option}'"
    if len(arguments) % 2:
        return f"{arguments[-1]}: needs a value"
    if len(arguments) != 2 * len(options):
        return "an option is there twice"
    if "--config" not in options:
        return "--config FILE is needed"
    return (
        ""
        if options.get("--parent", "0").isdecimal()
        else f"--parent '{options['--parent']}': a number is needed"
    )
