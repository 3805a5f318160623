"""What each kind of person may see and do at the board: least by default, and never a picture."""

from collections.abc import Iterable
from typing import Literal, get_args

Role = Literal["viewer", "manager", "auditor", "installer"]
ROLES: tuple[Role, ...] = get_args(Role)
Right = Literal["persons", "act", "people", "audit", "burden", "zones", "health"]
"""`persons`: what a room says of whoever is there. Without it, a room is what its unit says of itself.

`health`: how each unit itself is, in numbers of nobody.
"""

RIGHTS: dict[Role, frozenset[Right]] = {
    "viewer": frozenset({"persons", "act"}),
    "manager": frozenset({"persons", "act", "people", "audit", "burden", "health"}),
    "auditor": frozenset({"audit"}),
    "installer": frozenset({"zones", "health"}),
}
MEANINGS: dict[Role, str] = {
    "viewer": "sees the rooms, and answers alerts",
    "manager": "that, the burden of alerts, units' health, who looked, and who may log in",
    "auditor": "sees what was done and who looked, and nothing of whoever is in a room",
    "installer": "sees units, their faults and health, and draws zones; nothing of whoever is in a room",
}


def rights(roles: Iterable[Role]) -> frozenset[Right]:
    """Of somebody who has these roles."""
    return frozenset().union(*(RIGHTS[role] for role in roles))
