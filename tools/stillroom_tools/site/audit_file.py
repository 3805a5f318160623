"""An audit file: one unit's chain as lines of JSON, to be read by a person and checked with the label's fingerprint.

The first line says whose it is and with which key; each further line is a link. An erased link has no body and no
salt, only its leaf.
"""

import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from stillroom.chain import FIRST_HEAD, KEYS_ROTATED, STORAGE_DAMAGED, Proof, follow_on, leaf_of
from stillroom.config import Name
from stillroom.errors import ConfigError, TrustError
from stillroom.public_keys import VerifyKey
from stillroom_tools.site.gateway.erased import Chained, Erased
from stillroom_tools.site.line_file import read_lines

if TYPE_CHECKING:
    from stillroom_tools.site.audit_keys import Keys

KIND = "audit/1"
MAX_FILE_BYTES = 256 * 1024 * 1024

Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line."""

    stillroom: str
    site: Name
    unit: Name
    key: Hex32


class Link(Struct, frozen=True, forbid_unknown_fields=True):
    """A further line. `body` is JSON as text, so that its bytes are kept."""

    index: Annotated[int, Meta(ge=1, le=2**53)]
    at_ms: Annotated[int, Meta(ge=0, le=2**53)]
    head: Hex32
    signature: Annotated[str, Meta(pattern=r"\A[0-9a-f]{128}\Z")]
    body: str | None = None
    salt: Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")] | None = None
    leaf: Hex32 | None = None

    def __post_init__(self) -> None:
        whole = self.body is not None and self.salt is not None and self.leaf is None
        erased = self.body is None and self.salt is None and self.leaf is not None
        if not (whole or erased):
            raise ValueError(
                "a link has body and salt, or a leaf alone: words without their salt prove nothing"
            )

    @property
    def erased(self) -> bool:
        return self.leaf is not None

    @property
    def says_damaged(self) -> bool:
        """A chain may begin anew with it."""
        return self.said().get("what") == STORAGE_DAMAGED

    @property
    def says_rotated(self) -> bool:
        """It names the key that signs what follows."""
        return self.said().get("what") == KEYS_ROTATED

    @property
    def must_keep_words(self) -> bool:
        """Without them the chain could not be judged; there is nothing about anybody in them."""
        return self.is_start or self.says_damaged or self.says_rotated

    @property
    def is_start(self) -> bool:
        """It names the unit."""
        return self.said().get("what") == "start"

    @property
    def begins_after(self) -> tuple[int, bytes] | None:
        """Index and head of the link that must be there where the chain begins anew with this one."""
        said = self.said()
        after, head = said.get("after"), said.get("head")
        if not self.says_damaged or not isinstance(after, int) or not isinstance(head, str):
            return None
        return (after, bytes.fromhex(head)) if re.fullmatch(r"[0-9a-f]{64}", head) else None

    def proof(self) -> Proof:
        """What the chain is checked with: the leaf of body and salt, or as it stands where they were erased."""
        if self.body is not None and self.salt is not None:
            leaf = leaf_of(bytes.fromhex(self.salt), self.body.encode())
        else:
            leaf = bytes.fromhex(self.leaf or "")
        return Proof(self.index, self.at_ms, leaf, bytes.fromhex(self.head), bytes.fromhex(self.signature))

    def without_words(self) -> "Link":
        """The same link, erased: neither its words nor the salt by which a guess at them could be tried."""
        return Link(self.index, self.at_ms, self.head, self.signature, leaf=self.proof().leaf.hex())

    def said(self) -> dict[str, Any]:
        """What the link says; empty where it was erased."""
        try:
            found = msgspec.json.decode(self.body or "{}")
        except (msgspec.MsgspecError, RecursionError):
            found = {}
        return found if isinstance(found, dict) else {}


def link_of(link: Chained) -> Link:
    """As the file has it."""
    index, at_ms, head, signature = link.index, link.at_ms, link.head.hex(), link.signature.hex()
    if isinstance(link, Erased):
        return Link(index, at_ms, head, signature, leaf=link.leaf.hex())
    return Link(index, at_ms, head, signature, link.body.decode("utf-8", "replace"), link.salt.hex())


def write(head: Head, links: Iterable[Link]) -> bytes:
    """The file's bytes."""
    lines = [msgspec.json.encode(head), *(_encode(link) for link in links)]
    return b"\n".join(lines) + b"\n"


def read(path: Path) -> tuple[Head, list[Link]]:
    """Raises InputError: absent, too large, or not an audit file; names the line."""
    return read_lines(path, "an audit file", KIND, MAX_FILE_BYTES, Head, Link)


def verify(
    path: Path, head: Head, links: Sequence[Link], fingerprint: str, newest: str | None = None
) -> None:
    """Raises TrustError for the first thing that is wrong: the key, a gap, a link that was changed, a signature.

    Wrong is too where no `start` is left that names the unit: then the first line could call it anything.
    fingerprint: as `check_fingerprint` gives it. newest: a head (hex) that is known from elsewhere and must be in it.
    """
    keys = keys_of(path, head, links, fingerprint)
    if not links:
        raise TrustError(f"{path}: no link in it: a unit's first start is always one")
    heads = {0: FIRST_HEAD}
    for link in links:
        try:
            follow_on(heads, link.proof(), keys.at(link.index), link.begins_after)
        except ValueError as error:
            raise TrustError(f"{path}: {error}") from None
    check_names(path, head, links)
    if newest is not None and newest.strip().lower() not in {link.head for link in links}:
        raise TrustError(
            f"{path}: the head {newest} is not in it: links are missing at its end, or it is another chain"
        )


def keys_of(path: Path, head: Head, links: Sequence[Link], fingerprint: str) -> "Keys":
    """The unit's keys. Raises TrustError: none of them is the label's, or the first line names another."""
    from stillroom_tools.site.audit_keys import Keys

    key = VerifyKey(bytes.fromhex(head.key))
    keys = Keys.of(links, key)
    if keys.newest != key:
        raise TrustError(
            f"{path}: its first line names the key {key.fingerprint}, and its links end with another"
        )
    if not keys.knows(fingerprint, links[-1].index if links else 1):
        raise TrustError(
            f"{path}: written by another unit: its key's fingerprint is {key.fingerprint}; compare with the label"
        )
    return keys


def missing(links: Sequence[Link]) -> list[tuple[int, int]]:
    """What a damaged card has cost a chain that verifies: (first, last) of the links that may be missing, each time."""
    pairs = itertools.pairwise([0, *(link.index for link in links)])
    return [(before + 1, after - 1) for before, after in pairs if after > before + 1]


def erase(path: Path, links: Sequence[Link], numbers: Collection[int]) -> list[Link]:
    """The links with the words of some of them gone for good. Raises ConfigError for a link that is not there."""
    needed = sorted(link.index for link in links if link.index in numbers and link.says_damaged)
    if needed:
        raise ConfigError(
            f"{path}: link {needed[0]} says why links are missing before it: its words must stay"
        )
    rotated = sorted(link.index for link in links if link.index in numbers and link.says_rotated)
    if rotated:
        raise ConfigError(f"{path}: link {rotated[0]} names the key of those behind it: its words must stay")
    starts = sorted(link.index for link in links if link.index in numbers and link.is_start)
    if starts:
        # Nothing about anybody is in them, and without them nobody can know whose record it is.
        raise ConfigError(f"{path}: link {starts[0]} is a start, which names the unit: its words must stay")
    unknown = sorted(set(numbers) - {link.index for link in links})
    if unknown:
        raise ConfigError(f"{path}: no link {unknown[0]} in it: 1 to {links[-1].index} are")
    return [link.without_words() if link.index in numbers else link for link in links]


def check_names(path: Path, head: Head, links: Sequence[Link]) -> None:
    """Each start names the unit: the file's first line cannot call it something else. Raises TrustError."""
    starts = [link.said() for link in links if link.is_start]
    if any((said.get("site"), said.get("unit")) != (head.site, head.unit) for said in starts):
        raise TrustError(
            f"{path}: its first line names unit '{head.unit}' of site '{head.site}', the chain another"
        )
    if not starts:
        raise TrustError(
            f"{path}: each link is signed by the unit of this fingerprint, but its name is not proved: the words of "
            "every start, which name it, were erased, so that the first line could say anything: ask for a whole file"
        )


def _encode(link: Link) -> bytes:
    return msgspec.json.encode({k: v for k, v in msgspec.to_builtins(link).items() if v is not None})
