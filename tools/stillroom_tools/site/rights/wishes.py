"""`rights/orders/` of a site: what managers have ordered to be erased, carried out in turns by whoever has the store.

That is the gateway while one runs: it alone knows what of it is still in its memory. An order is written into the log
before anything goes, and is removed once its receipt is on the disk; a kill in between carries it out again, which
erases nothing more and counts on. Until it is begun, whoever ordered it can withdraw it: begun is what was renamed.
"""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stillroom.clock import Clock, utc_text
from stillroom.document_forms import from_ms, now
from stillroom.errors import TrustError
from stillroom.files import flush_folder, read_bounded, replace_file
from stillroom.note_reading import open_by_one
from stillroom.notes import sign_note
from stillroom_tools.site.gateway.erasing import AlertsStand, Eraser
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import Site
from stillroom_tools.site.rights.forms import (
    ORDER_KIND,
    RECEIPT_KIND,
    Counted,
    ErasureOrder,
    Receipt,
    folder_of,
    sha256,
)
from stillroom_tools.site.rights.held import Held
from stillroom_tools.site.rights.record import REFUSED as LOGGED_REFUSED
from stillroom_tools.site.rights.record import open_log

LONGEST_TURN_S = 0.05
"""Records and their answers wait for no longer than that."""
REFUSED = ".refused"
_BEGUN = ".begun"


class Wishes:
    """`step` now and then: what there is to say."""

    def __init__(self, site: Site, store: Store, clock: Clock) -> None:
        self._site, self._store, self._clock = site, store, clock
        self._held = Held(site, store)
        self._under_way: Iterator[str] | None = None

    def step(self) -> list[str]:
        """One turn of what is under way, or the beginning of what waits. Raises StorageError: it begins anew."""
        said = self._held.step()
        until_s = time.monotonic() + LONGEST_TURN_S
        if self._under_way is None:
            orders = folder_of(self._site) / "orders"
            waiting = [*sorted(orders.glob(f"*{_BEGUN}")), *sorted(orders.glob("*.note"))]
            if not waiting:
                return said
            self._under_way = self._carry_out(waiting[0])
        try:
            while time.monotonic() < until_s:
                said += filter(None, [next(self._under_way)])
        except StopIteration:
            self._under_way = None
        except BaseException:
            self._under_way = None
            raise
        return said

    @property
    def busy(self) -> bool:
        return self._under_way is not None

    def _carry_out(self, path: Path) -> Iterator[str]:
        """A line where there is something to say, else an empty one, after each transaction."""
        try:
            path = path.rename(path.with_suffix(_BEGUN))
        except FileNotFoundError:
            return  # withdrawn
        flush_folder(path.parent)
        try:
            note = read_bounded(path)
            order = read_order(note, self._site)
            wish = self._store.erasures.past(order.wish)
            eraser = Eraser(self._store, wish, self._clock.utc_ms())
            steps = eraser.steps()
            try:
                self._refuse_to_come(wish)
                next(steps)  # refused before it is written down, written down before anything goes
            except (TrustError, AlertsStand):
                self._write_down(order, LOGGED_REFUSED)
                raise
            line = self._write_down(order)
        except (TrustError, AlertsStand) as error:
            replace_file(path.with_suffix(REFUSED), f"{error}\n".encode())
            path.unlink(missing_ok=True)
            yield f"not erased: {error}"
            return
        if wish != order.wish:  # begun by an older version: what is gone already needs its receipt
            yield f"room {order.room}: {order.id} is for a time to come too: erased up to {utc_text(wish.until_ms)}"
        for _ in steps:
            yield ""
        receipt = self._receipt(order, wish, note, eraser, line)
        signed = sign_note(RECEIPT_KIND, receipt, [self._site.keys("gateway")])
        replace_file(folder_of(self._site) / f"{order.id}.note", signed)
        path.unlink(missing_ok=True)
        yield f"room {order.room}: erased by {order.by}, receipt {order.id}: {words(receipt)}"

    def _refuse_to_come(self, wish: Wish) -> None:
        """A time that was erased stays closed: what is still to come would not be kept, nor raise an alert."""
        if wish.until_ms > (now_ms := self._clock.utc_ms()):
            raise TrustError(
                f"room '{wish.room}': the order is for a time up to {utc_text(wish.until_ms)}, and it is "
                f"{utc_text(now_ms)} by the clock here: only what is past is erased; set the clocks, or give it anew"
            )

    def _write_down(self, order: ErasureOrder, ending: str = "") -> tuple[int, bytes]:
        return open_log(self._site, self._clock).add(order.by, f"subject-erase{ending}", order.about)

    def _receipt(
        self, order: ErasureOrder, wish: Wish, note: bytes, eraser: Eraser, line: tuple[int, bytes]
    ) -> Receipt:
        asked = {name: getattr(order, name) for name in Receipt.__struct_fields__ if hasattr(order, name)}
        asked |= {"at": now(self._clock), "until": min(order.until, from_ms(wish.until_ms // 1000 * 1000))}
        return Receipt(
            **asked, what="erase", counts=counted(eraser.gone), hash=sha256(note),
            log_line=line[0], log_head=line[1].hex(),
        )  # fmt: skip


def waits(path: Path) -> bool:
    """An order, for somebody to begin it or to end it."""
    return path.exists() or path.with_suffix(_BEGUN).exists()


def withdraw(path: Path) -> bool:
    """Where nobody has begun it yet: then nothing of it is done."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    flush_folder(path.parent)
    return True


def give_up(path: Path) -> None:
    """Also where it was begun: nobody ends it."""
    for each in (path, path.with_suffix(_BEGUN)):
        each.unlink(missing_ok=True)


def read_order(note: bytes, site: Site) -> ErasureOrder:
    """Raises TrustError: not signed by the manager of the roster whom it names, or of another site."""
    order, signer = open_by_one(note, ORDER_KIND, ErasureOrder, site.roster().people("manager"))
    if f"{site.name}/{order.by}" != signer.name or order.site != site.name:
        raise TrustError(f"an order of '{order.by}' of site '{order.site}', signed by {signer.name}")
    return order


def words(receipt: Receipt) -> str:
    """`1,440 summary, 12 state`; `nothing` where it is."""
    return ", ".join(f"{one.count:,} {one.what}" for one in receipt.counts) or "nothing"


def counted(counts: Counter[str]) -> tuple[Counted, ...]:
    return tuple(Counted(what, count) for what, count in sorted(counts.items()) if count)
