"""What site.toml says about the gateway itself. Read by every command: nothing of a database is loaded here."""

from typing import Annotated

from msgspec import Meta, Struct

FILE = "gateway.db"


class GatewayConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateway]`."""

    store: Annotated[str, Meta(min_length=1, max_length=1_000)] = f"sqlite:///gateway/{FILE}"
    """Where the gateway keeps what it has received (`place`); a file's path is from the site's folder."""
