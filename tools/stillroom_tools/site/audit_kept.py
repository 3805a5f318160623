"""The links of a unit's audit chain out of the gateway's store; what retention has erased stays as its leaf."""

from stillroom_tools.site.audit_file import Link, link_of
from stillroom_tools.site.gateway.reader import Reader


def links_of(reader: Reader, unit: str) -> list[Link]:
    """Those that the gateway has, in order. Raises StorageError."""
    links = dict.fromkeys(link_of(link) for link in reader.audit(unit))  # one may come under two numbers
    return sorted(links, key=lambda link: link.index)
