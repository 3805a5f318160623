"""`stillroom site people add|list|reset|remove|log`: who may log in to the ward board, and what was done there.

A running board goes by each change at once: who is removed or reset is logged out.
"""

import argparse
from pathlib import Path

from stillroom.clock import SystemClock, utc_text
from stillroom.errors import EXIT_OK, TrustError
from stillroom.note_reading import Signer
from stillroom.notes import signer_of
from stillroom_tools.site.board.log import Log
from stillroom_tools.site.board.people import People
from stillroom_tools.site.board.roles import MEANINGS, ROLES
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.subscriber import say

HELP = "who may log in to the ward board, and what they did there"

OPERATOR = "operator"
"""Whoever can run this on the board's machine."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)
    add = choices.add_parser(
        "add", help="prints a token that works once, for a day; its holder sets a password"
    )
    roles = "; ".join(f"{role}: {meaning}" for role, meaning in MEANINGS.items())
    add.add_argument("--role", action="append", required=True, choices=ROLES, help=f"again for more. {roles}")
    reset = choices.add_parser("reset", help="a new token; password, phone and logins of before are over")
    remove = choices.add_parser("remove", help="logged out at once, and never in again")
    choices.add_parser("list", help="everybody, with roles")
    log = choices.add_parser("log", help="verify the board's log, and print it, the oldest first")
    log.add_argument("--head", metavar="HEX", help="a head noted earlier: it must be there still")
    for command in (add, reset, remove):
        command.add_argument("name", metavar="NAME", help="1 to 32 of a-z 0-9 -")
    for command in choices.choices.values():
        command.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, StorageError."""
    site, clock = open_site(options.site), SystemClock()
    keys = site.keys("board")
    people = People(site.folder / "board" / "people", clock)
    log = Log(site.folder / "board", keys, clock)
    if options.what == "list":
        for person in people.all():
            print(
                f"{person.name}  {', '.join(person.roles)}  {'' if person.ready else 'not set up yet'}".rstrip()
            )
    elif options.what == "log":
        _show(log, signer_of(keys), options.head)
    else:
        _change(options, people, log)
    return EXIT_OK


def _change(options: argparse.Namespace, people: People, log: Log) -> None:
    """Written down first."""
    name = options.name
    if options.what == "add":
        roles = tuple(dict.fromkeys(options.role))
        people.check_new(name, roles)
        log.add(OPERATOR, "person-add", f"{name} {'/'.join(roles)}")
        token = people.add(name, roles)
    else:
        people.there(name)
        log.add(OPERATOR, f"person-{options.what}", name)
        token = people.reset(name) if options.what == "reset" else ""
        if options.what == "remove":
            people.remove(name)
    if token:
        say(
            f"{name}: give this token to nobody else. It works once, until tomorrow, at the board's page /set-up:"
        )
        print(token)


def _show(log: Log, board: Signer, head: str | None) -> None:
    """Every link, once all of them have been verified."""
    count, newest = log.verify(board.key)
    if head and head.lower() not in {link.head.hex() for link, _ in log.read()}:
        raise TrustError(f"--head {head}: no link has it: the log was cut off or written anew since")
    for link, deed in log.read():
        print(f"{link.index}  {utc_text(link.at_ms)}  {deed.by or '-'}  {deed.what}  {deed.about}".rstrip())
    say(f"{count} links, whole, signed by {board.fingerprint}; head {newest.hex()}")
