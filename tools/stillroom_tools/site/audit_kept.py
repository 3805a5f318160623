"""The links of a unit's audit chain out of the gateway's store; what retention has erased stays as its leaf."""

from collections.abc import Sequence

from stillroom.chain import signed_part
from stillroom.public_keys import VerifyKey
from stillroom_tools.site import retired
from stillroom_tools.site.audit_file import KIND, Head, Link, link_of
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.layout import Site


def links_of(reader: Reader, unit: str) -> list[Link]:
    """Those that the gateway has, in order. Raises StorageError."""
    links = dict.fromkeys(link_of(link) for link in reader.audit(unit))  # one may come under two numbers
    return sorted(links, key=lambda link: link.index)


def head_of(site: Site, unit: str, links: Sequence[Link]) -> Head:
    """Whose chain it is, also of a unit that is gone: with that of its keys which signed the newest link.

    Raises TrustError: it was never enrolled.
    """
    keys = [VerifyKey(sign) for sign in retired.keys_of(site, unit)]
    newest = links[-1] if links else None
    signed = (key for key in keys if newest is not None and _signed(newest, key))
    return Head(KIND, site.name, unit, next(signed, keys[0]).raw.hex())


def _signed(link: Link, key: VerifyKey) -> bool:
    return key.verifies(signed_part(link.index, bytes.fromhex(link.head)), bytes.fromhex(link.signature))
