"""`mqtt://host[:port]` and `mqtts://host[:port]`: how a person names a broker."""

from urllib.parse import urlsplit

from stillroom.config import BrokerConfig
from stillroom.errors import ConfigError
from stillroom_tools.site.host import check_host

PORTS = {"mqtt": 1883, "mqtts": 8883}


def parse_url(url: str, what: str) -> BrokerConfig:
    """`what`: the option or key that gave it. Raises ConfigError."""
    wanted = "expected mqtt://host[:port] or mqtts://host[:port]"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{what} '{url}': {error}: {wanted}") from None
    if parts.username or parts.password:
        raise ConfigError(
            f"{what}: a login in a URL is seen by others: give user name and password file apart"
        )
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in {"", "/"} or parts.query:
        raise ConfigError(f"{what} '{url}': {wanted}")
    if port == 0:
        raise ConfigError(f"{what} '{url}': port 0: 1 to 65535")
    host = check_host(parts.hostname, f"{what}: host")
    return BrokerConfig(host, port or PORTS[parts.scheme], parts.scheme == "mqtts")
