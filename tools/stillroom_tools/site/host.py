"""What can be a broker's host: a name or an address."""

import ipaddress
import re

from stillroom.errors import ConfigError

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def check_host(host: str, what: str) -> str:
    """Raises ConfigError for what is neither a host name nor an address."""
    try:
        ipaddress.ip_address(host)
        return host
    except ValueError:
        pass
    if not _HOST.fullmatch(host):
        raise ConfigError(f"{what} '{host}': a host name or an IP address is needed")
    return host
