"""The demo's ledger: what each unit accepted, and what was opened at the other end, number by number."""

from dataclasses import dataclass, field


@dataclass
class Account:
    """One unit's: accepted by it, delivered of it, delivered twice."""

    accepted: int = 0
    delivered: set[int] = field(default_factory=set)
    doubled: int = 0

    @property
    def missing(self) -> int:
        """Accepted and not yet opened at the other end."""
        return max(self.accepted - len(self.delivered), 0)


class Ledger:
    """Accounts by unit. `accept` what the keepers say, `deliver` what the gateway opened."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def account(self, unit: str) -> Account:
        return self._accounts.setdefault(unit, Account())

    def accept(self, unit: str, accepted: int) -> None:
        """The highest number that this unit has accepted; it never falls."""
        account = self.account(unit)
        account.accepted = max(account.accepted, accepted)

    def deliver(self, unit: str, number: int) -> None:
        """An entry was opened at the other end, and told of for the first time."""
        account = self.account(unit)
        account.doubled += number in account.delivered
        account.delivered.add(number)
        account.accepted = max(account.accepted, number)

    @property
    def accepted(self) -> int:
        return sum(a.accepted for a in self._accounts.values())

    @property
    def delivered(self) -> int:
        return sum(len(a.delivered) for a in self._accounts.values())

    @property
    def doubled(self) -> int:
        return sum(a.doubled for a in self._accounts.values())

    @property
    def balanced(self) -> bool:
        """Everything accepted was delivered, each once."""
        return self.accepted == self.delivered and not self.doubled

    def line(self) -> str:
        """`ledger: accepted 41 = delivered 41`, or what is on its way."""
        if self.balanced:
            return f"accepted {self.accepted} = delivered {self.delivered}, none lost, none doubled"
        on_the_way = self.accepted - self.delivered
        doubled = f", {self.doubled} DOUBLED" if self.doubled else ""
        return f"accepted {self.accepted}, delivered {self.delivered}, {on_the_way} on the way{doubled}"
