"""What site.toml says about Home Assistant. Off, unless somebody writes that it is on, and to which broker."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Told = Literal["occupancy", "state", "breathing", "pulse", "alerts"]
EVERYTHING: tuple[Told, ...] = ("occupancy", "state", "breathing", "pulse", "alerts")
Prefix = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,3}\Z",
        max_length=64,
        description="1 to 4 words of A-Z a-z 0-9 _ - with / between",
    ),
]


class HomeAssistantConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[home_assistant]`: from here on numbers are no longer sealed."""

    enabled: bool = False
    broker: str = ""
    """URL of the broker that Home Assistant listens to; never taken from `[broker]`."""
    username: str = ""
    password_file: str = ""
    """These files are from the site's folder."""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    discovery_prefix: Prefix = "homeassistant"
    topic_prefix: Prefix = "stillroom-clear"
    tell: Annotated[tuple[Told, ...], Meta(min_length=1)] = EVERYTHING
