"""`stillroom`: sub-commands that import what they need when they run, and nothing before.

The unit's own commands are in the table below; the tools register theirs as entry points. An error that a
person can put right is one line on standard error and a documented exit code; README lists the codes.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any

from stillroom import __version__, processes
from stillroom.errors import EXIT_INTERRUPTED, EXIT_OK, StillroomError, StorageError

_OWN = {
    "check": "stillroom.check",
    "explain": "stillroom.explain",
    "models": "stillroom.models",
    "run": "stillroom.run",
    "selftest": "stillroom.selftest",
}
_HELP = {
    "check": "check a configuration file and say what it asks for",
    "explain": "what this unit senses, sends and keeps now, in plain words",
    "courier": "the process with the network (started by run or systemd)",
    "eye": "the process with the camera (started by run or systemd)",
    "keeper": "the process with the keys (started by run or systemd)",
    "models": "bring and check the weights of the models that look for people",
    "run": "start eye, keeper and courier on this machine",
    "demo": "simulated rooms, a broker and the other end, in one terminal",
    "evaluate": "run recordings through the pipeline and show the readings",
    "bench": "time the hot path against what the machine can do",
    "make": "make units",
    "phantom": "replay a recording of which the rate is known, and say whether it is read",
    "selftest": "test this unit: camera, models, card, heat, light, guards; signed by it",
    "simulate": "a scenario's night: what a unit tells of it beside what was so",
    "site": "a facility's side: keys, authorisations, gateway, watch",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; no StillroomError, Ctrl-C or full disk becomes a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except StillroomError as error:
        return _denied(arguments, error) or _ends(error)
    except KeyboardInterrupt as error:
        print(": ".join(["stillroom: interrupted", *filter(None, [str(error)])]), file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return EXIT_OK
    except OSError as error:
        if code := _denied(arguments, error):
            return code
        _forget_output()
        print(f"stillroom: {error.filename or 'standard output'}: {error.strerror or error}", file=sys.stderr)
        return StorageError.exit_code


def _ends(error: StillroomError) -> int:
    print(f"stillroom: {_one_line(error)}", file=sys.stderr)
    return error.exit_code


def _denied(arguments: Sequence[str], error: BaseException) -> int:
    """What this account may not use is one line and one code, whatever a command was about; else 0.

    Of the three processes, whose code tells whoever started them what has failed, each says it itself.
    """
    if arguments[:1] and arguments[0] in processes.NAMES:
        return EXIT_OK
    from stillroom.denied import denied
    from stillroom.errors import SetupError

    text = denied(error)
    if text is None:
        return EXIT_OK
    return _ends(SetupError(text))


def _forget_output() -> None:
    """What could not be written is not tried again when the interpreter ends."""
    with suppress(PermissionError):  # one of the three, which may write nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name in {"-V", "--version"}:
        print(f"stillroom {__version__}")
        return EXIT_OK
    if name in processes.NAMES:
        return processes.run(name, arguments[1:])
    modules = _registered() | _OWN  # no tool takes the place of a command of the unit
    if name not in modules:
        return _overview(name, modules)
    from stillroom.options import Parser

    module = _load(name, modules[name])
    parser = Parser(prog=f"stillroom {name}", description=module.HELP)
    module.add_arguments(parser)
    options = parser.parse_args(arguments[1:])
    run: Callable[[Any], int] = module.run
    return run(options)


def _registered() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group="stillroom.commands")}


def _load(name: str, module: str) -> ModuleType:
    """The command's module. Raises SetupError where its extra is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        from stillroom.errors import SetupError

        raise SetupError(
            f"'{name}' needs the Python package '{error.name}': install it with pip install 'stillroom[tools]'"
        ) from None


def _overview(name: str, modules: dict[str, str]) -> int:
    known = [f"  {command:<10} {_HELP.get(command, '')}" for command in sorted({*modules, *processes.NAMES})]
    text = "\n".join(
        ["usage: stillroom COMMAND [...]", "", *known, "", "stillroom COMMAND --help tells more."]
    )
    if name in {"", "-h", "--help"}:
        print(text)
        return EXIT_OK
    import difflib

    near = difflib.get_close_matches(name, modules, 1)
    hint = f"did you mean '{near[0]}'?" if near else "stillroom --help lists them"
    print(f"stillroom: no command '{name}': {hint}", file=sys.stderr)
    return 2


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
