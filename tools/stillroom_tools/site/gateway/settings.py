"""What site.toml says about the gateway itself. Read by every command: nothing of a database is loaded here."""

from typing import Annotated

from msgspec import Meta, Struct

from stillroom.errors import ConfigError

FILE = "gateway.db"


class GatewayConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[gateway]`."""

    store: Annotated[str, Meta(min_length=1, max_length=1_000)] = f"sqlite:///gateway/{FILE}"
    """Where the gateway keeps what it has received (`place`); a file's path is from the site's folder."""


class RetentionConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[retention]`: days from when the gateway opened an entry, by its class in `stillroom.events`.

    `live` has none: it is never stored.
    """

    routine_days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    """Summaries: a line a minute."""
    care_days: Annotated[int, Meta(ge=1, le=3_650)] = 365
    """States, conditions, and what became of the alerts that were made of them."""
    audit_days: Annotated[int, Meta(ge=90, le=36_500)] = 1_095
    """Gates, receipts, commands; the words of audit links, whose places and proofs stay for good."""

    def check(self, where: str) -> None:
        """where: the file. Raises ConfigError where one contradicts another."""
        for name, days in (("care_days", self.care_days), ("routine_days", self.routine_days)):
            if self.audit_days < days:
                raise ConfigError(
                    f"{where}: key 'retention.audit_days' = {self.audit_days}: shorter than '{name}' ({days}): who "
                    f"watched must be known for as long as what was seen: make it {days} or more, or {name} shorter"
                )
