"""`rights/log` of a site: who asked for what, and what became of it. Its end is held, since a chain cannot show that it
was cut off.

By `rights/log.end`, which the gateway's key signs anew with each line; and by the receipts, each of which names the
line that tells of it and its head: a log that does not have that line is shorter than it was, or another. Whoever puts
an older `log.end` in its place, and takes the receipts too, is found out by what the gateway's store has noted
(`held.py`), by a receipt that was handed out (`subject check`), and by a head that was noted elsewhere (`subject log
--head`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from stillroom.clock import Clock
from stillroom.document_forms import from_ms
from stillroom.errors import StillroomError, TrustError
from stillroom.events import Audited
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.note_reading import open_by_one, open_note
from stillroom.notes import sign_note
from stillroom.public_keys import PlainName
from stillroom_tools.site.board.log import FILE, Deed, Log
from stillroom_tools.site.disclosure.receipt import ExportReceipt
from stillroom_tools.site.disclosure.receipt import read_all as let_out
from stillroom_tools.site.gateway.reader import open_reader
from stillroom_tools.site.layout import Site
from stillroom_tools.site.rights.forms import RECEIPT_KIND, Count, Receipt, Sha256, folder_of

FAILED, REFUSED = "-failed", "-refused"
END, END_KIND = "log.end", "rights-log-end"
NOTED_LINE, NOTED_HEAD = "rights line", "rights head"
"""Numbers of the gateway's store: of the newest `log.end` that it saw."""
Lines = Sequence[tuple[Audited, Deed]]
_ID = re.compile(r"\b[cex]-[0-9a-f]{16}\b")


class LogEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """The newest line of the log, and its head."""

    site: PlainName
    line: Count
    head: Sha256


class RightsLog(Log):
    """With its end beside it."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self._site, self._gateway = site, site.keys("gateway")
        super().__init__(folder_of(site), self._gateway, clock)

    def _added(self, index: int, head: bytes) -> None:
        end = LogEnd(self._site.name, index, head.hex())
        replace_file(folder_of(self._site) / END, sign_note(END_KIND, end, [self._gateway]), 0o600)


def open_log(site: Site, clock: Clock) -> Log:
    """In a chain signed by the gateway. Raises TrustError, StorageError."""
    make_folder(folder_of(site))
    return RightsLog(site, clock)


@contextmanager
def written_down(log: Log, by: str, what: str, about: str) -> Iterator[tuple[int, bytes]]:
    """In the log before it is done, and as failed where it then is not. Gives the line's number and head."""
    line = log.add(by, what, about)
    try:
        yield line
    except BaseException:
        with suppress(StillroomError):
            log.add(by, what + FAILED, about)
        raise


def receipts_of(site: Site) -> list[tuple[Path, Receipt | ExportReceipt]]:
    """All that are kept. Raises TrustError: one is not the gateway's, or was altered."""
    found: list[tuple[Path, Receipt | ExportReceipt]] = [*let_out(site)]
    for path in sorted(folder_of(site).glob("*.note")):
        try:
            receipt = open_note(read_bounded(path), RECEIPT_KIND, Receipt, site.roster().people("gateway"))
        except TrustError as error:
            raise TrustError(f"{path}: {error}") from None
        found.append((path, receipt))
    return found


def read_receipt(path: Path, site: Site) -> Receipt:
    """Raises TrustError: not signed by the site's gateway, or altered; a copy's not by a manager too."""
    note = read_bounded(path)
    try:
        receipt = open_note(note, RECEIPT_KIND, Receipt, site.roster().people("gateway"))
        if receipt.what == "export":
            open_by_one(note, RECEIPT_KIND, Receipt, site.roster().people("manager"))
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None
    return receipt


def refuse_cut(site: Site, lines: Lines, receipts: Iterable[tuple[Path, Receipt | ExportReceipt]]) -> None:
    """Raises TrustError: its end, or a receipt's line, is not in the log."""
    heads = {link.index: link.head.hex() for link, _ in lines}
    _refuse_other_end(site, heads)
    _refuse_before_noted(site, heads)
    named = {name for _, deed in lines for name in _ID.findall(deed.about)}
    for path, receipt in receipts:
        if receipt.log_head is None:  # an older one: its name alone can be looked for
            there = isinstance(receipt, ExportReceipt) or receipt.id in named
        else:
            there = heads.get(receipt.log_line) == receipt.log_head
        if not there:
            raise TrustError(
                f"{folder_of(site) / FILE}: cut off at its end, or another ({len(lines)} lines): what {path} is the "
                f"receipt of was line {receipt.log_line or 'unknown'} of it: keep both, and ask who can write there"
            )


def _refuse_other_end(site: Site, heads: dict[int, str]) -> None:
    path, end = folder_of(site) / END, end_of(site)
    if end is None:
        if heads:
            raise TrustError(
                f"{path}: missing, so that nobody can tell whether lines were cut off (where an older version "
                "wrote the log, it is there from the next line on)"
            )
        return
    if end.site != site.name or heads.get(end.line) != end.head:
        raise TrustError(
            f"{folder_of(site) / FILE}: cut off at its end, or another ({len(heads)} lines): by {path} it had line "
            f"{end.line}: keep both, and ask who can write there"
        )


def end_of(site: Site) -> LogEnd | None:
    """None: there is none. Raises TrustError: not the gateway's, or altered."""
    path = folder_of(site) / END
    if not path.exists():
        return None
    try:
        return open_note(read_bounded(path), END_KIND, LogEnd, site.roster().people("gateway"))
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None


def shortened(head: str) -> int:
    """As many bytes of a head as a number of the store holds."""
    return int(head[:14], 16)


def _refuse_before_noted(site: Site, heads: dict[int, str]) -> None:
    """Where there is no store that can be read, nothing was noted either."""
    try:
        with open_reader(site) as reader:
            line, head = reader.number(NOTED_LINE), reader.number(NOTED_HEAD)
    except StillroomError:
        return
    if line and (line not in heads or shortened(heads[line]) != head):
        raise TrustError(
            f"{folder_of(site) / FILE}: cut off at its end, or another ({len(heads)} lines): by the gateway's store it "
            f"had line {line}: an older log and its end were put back; keep all, and ask who can write there"
        )


def told(lines: Lines, receipts: Iterable[Receipt | ExportReceipt]) -> Iterator[str]:
    """In words, the newest first."""
    by_id = {receipt.id: receipt for receipt in receipts}
    over = {
        name: ending.removeprefix("-")
        for _, deed in lines
        for ending in (FAILED, REFUSED)
        if deed.what.endswith(ending)
        for name in _ID.findall(deed.about)
    }
    for link, deed in reversed(lines):
        said = _words(deed, by_id, over)
        yield f"{from_ms(link.at_ms):%Y-%m-%d %H:%M:%S} UTC  {deed.by:<16} {deed.what:<21} {said}"


def _words(deed: Deed, by_id: dict[str, Receipt | ExportReceipt], over: dict[str, str]) -> str:
    found = _ID.search(deed.about)
    if found is None:
        return deed.about
    name, said = found[0], deed.about[: found.end()]
    receipt = by_id.get(name)
    asked_by = deed.about[found.end() :].strip() or getattr(receipt, "asked_by", "")
    said += f", asked for by {asked_by}" if asked_by else ""
    if deed.what.endswith((FAILED, REFUSED)):
        return said
    return f"{said}: {'done' if receipt else over.get(name, 'no receipt')}"
