"""A live site whose room may be looked into: a viewer, a manager, an authorisation with views, and a policy."""

from pathlib import Path

from tests.live import LiveSite, command, until

SCOPES = "status,view-figure,view-picture"


def ready(folder: Path, *policy: object, looks_per_hour: int = 4, slot_s: float = 0.5) -> LiveSite:
    """Started, with somebody in the room. policy: options of `site view-policy`."""
    live = LiveSite(folder, slot_s=slot_s)
    unit = live.add_unit()
    keys = folder / "keys"
    for name, role in (("carer", "viewer"), ("matron", "manager")):
        command("site", "signer", "new", keys, "--site", "test", "--name", name, "--role", role)
        command(
            "site", "signer", "set", live.site, keys / f"{name}.pub", "--role", role, "--unit", unit.folder
        )
    command("site", "authorise", "withdraw", unit.folder, "--site", live.site)
    paper = ("site", "authorise", "new", unit.folder, "--site", live.site, "--room", "room-1", "--days", 1)
    command(*paper, "--scopes", SCOPES, "--looks-per-hour", looks_per_hour)
    rules = ("site", "view-policy", unit.folder, "--site", live.site, "--key", keys / "matron.key")
    command(*rules, "--levels", "figure,picture", *policy, "--looks-per-hour", looks_per_hour)
    live.start()
    until(lambda: live.has("state", state="occupied"), "somebody in the room")
    return live


def look(live: LiveSite, *more: object) -> list[str]:
    """`stillroom site view` of the carer."""
    keys = live.folder / "keys" / "carer.key"
    return [str(a) for a in ("site", "view", "room-1", "--site", live.site, "--key", keys, *more)]
