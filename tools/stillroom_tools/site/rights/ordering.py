"""An order to erase, signed and left for whoever has the store: the gateway that runs, else this command.

Whoever gave it and waits no longer (Ctrl-C) has withdrawn it, unless it is begun: then it is ended.
"""

import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from stillroom.clock import Clock
from stillroom.errors import EXIT_OK, ConfigError, StillroomError, StorageError
from stillroom.files import FolderInUse, make_folder, read_bounded, write_new
from stillroom.keys import KeyRing
from stillroom.notes import sign_note
from stillroom_tools.site.gateway import place
from stillroom_tools.site.gateway.connecting import StoreInUse
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import Site
from stillroom_tools.site.rights.forms import ORDER_KIND, ErasureOrder, Receipt, folder_of
from stillroom_tools.site.rights.record import FAILED, open_log, read_receipt
from stillroom_tools.site.rights.wishes import REFUSED, Wishes, give_up, waits, withdraw, words

WAIT_S = 120.0
"""A gateway erases some days a second, beside its other work."""
LOOK_S = 0.2


def confirm(yes: bool, room: str) -> None:
    """By the room's name, typed. Raises ConfigError."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nothing was erased: --yes is needed where nobody can be asked")
    if input(f"It cannot be had back. Type the room's name ({room}) to erase it: ").strip() != room:
        raise ConfigError("nothing was erased: that was another name")


def erase(site: Site, order: ErasureOrder, ring: KeyRing, clock: Clock) -> int:
    """By the gateway that runs, or here where none does. Prints the receipt's id."""
    waiting = folder_of(site) / "orders"
    make_folder(folder_of(site))
    make_folder(waiting)
    path = waiting / f"{order.id}.note"
    try:
        write_new(path, sign_note(ORDER_KIND, order, [ring]))
        _carry_out(site, path, order, clock)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_what_becomes(site, path, order)) from None
    receipt = _done(site, order.id)
    print(
        f"room {receipt.room}: erased: {words(receipt)}; receipt {folder_of(site) / order.id}.note",
        file=sys.stderr,
    )
    print(receipt.id)
    return EXIT_OK


def _carry_out(site: Site, path: Path, order: ErasureOrder, clock: Clock) -> None:
    try:
        with closing(Store(place.of(site), site.config.alerts, site.name)) as store:
            wishes = Wishes(site, store, clock)
            while waits(path):
                wishes.step()
    except (FolderInUse, StoreInUse):
        _wait(path)
    except StorageError:
        give_up(path)
        with suppress(StillroomError):
            open_log(site, clock).add(order.by, f"subject-erase{FAILED}", order.about)
        raise


def _what_becomes(site: Site, path: Path, order: ErasureOrder) -> str:
    """Of an order whose giver waits no longer."""
    if withdraw(path):
        return f"the order is withdrawn: nothing of room {order.room} was erased"
    return (
        f"the erasure of room {order.room} had begun and goes on, where no gateway runs once one does: "
        f"look for its receipt {folder_of(site) / order.id}.note"
    )


def _wait(path: Path) -> None:
    """Until the gateway has carried it out. Raises StorageError where it has not."""
    give_up_s = time.monotonic() + WAIT_S
    while waits(path):
        if time.monotonic() > give_up_s:
            raise StorageError(
                f"{path}: left for the gateway, which has not carried it out yet: look for its receipt"
            )
        time.sleep(LOOK_S)


def _done(site: Site, name: str) -> Receipt:
    refused = folder_of(site) / "orders" / f"{name}{REFUSED}"
    if refused.exists():
        raise StillroomError(read_bounded(refused).decode().strip())
    return read_receipt(folder_of(site) / f"{name}.note", site)
