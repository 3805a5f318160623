"""Units that the broker is to keep out: those taken out of the site. Kept at the end of its own access list.

What stands before the mark is never touched: it may have been changed by hand.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from stillroom.errors import StorageError
from stillroom.files import replace_file
from stillroom_tools.site import retired
from stillroom_tools.site.broker import SHUT_OUT, mosquitto_shut_out
from stillroom_tools.site.layout import Site


def units(site: Site) -> list[str]:
    """Ids that were enrolled once and are not now. Raises TrustError."""
    return sorted(set(retired.everybody(site)) - {one.unit for one in site.enrolments()})


def update(site: Site) -> bool | None:
    """Whether `broker/acl` is another one now; None where the site has none. Raises TrustError, StorageError."""
    path = site.folder / "broker" / "acl"
    if not path.exists():
        return None
    text = _read(path)
    before = text.partition(SHUT_OUT)[0].rstrip("\n")
    shut_out = mosquitto_shut_out(site.name, units(site))
    wanted = f"{before}\n" + (f"\n{shut_out}" if shut_out else "")
    if wanted == text:
        return False
    found = path.stat()
    replace_file(path, wanted.encode(), stat.S_IMODE(found.st_mode))
    with suppress(PermissionError):  # the broker, which must read it, may have been given it
        os.chown(path, found.st_uid, found.st_gid)
    return True


def say(site: Site) -> str:
    """`update`, in words that say what is left to do."""
    changed = update(site)
    if changed is None:
        return "broker: no access list here: `stillroom site connect --site SITE --write DIR` writes one"
    return (
        "broker: done: its access list has changed: let it read that again (mosquitto: SIGHUP)"
        if changed
        else ("broker: again: its access list is as it should be")
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from None
