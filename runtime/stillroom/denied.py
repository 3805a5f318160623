"""What this account may not use, said in one way by every command: which path, who this is, whose it is, what to do."""

import grp
import os
import pwd
import stat
from pathlib import Path


def denied(error: BaseException) -> str | None:
    """In words, where an account's lack of a right is what lies under an error; else None.

    Errors of ours are raised while the system's is handled: Python keeps it beside them, also behind `from None`.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, PermissionError) and isinstance(seen.filename, str | os.PathLike):
            return _words(Path(seen.filename))
        seen = seen.__cause__ or seen.__context__
    return None


def _words(path: Path) -> str:
    place, what, right = _where(path)
    found = place.stat()
    owner, group = _user(found.st_uid), _group(found.st_gid)
    by_group = found.st_mode & right << 3 == right << 3
    whose = f"user {owner}, group {group}, mode {stat.S_IMODE(found.st_mode):04o}"
    instead = f"as {owner}" + (f" or a member of group {group}" if by_group else "")
    elsewhere = ", or name a folder of your own" if what == "write into" else ""
    return f"{path}: account {_user(os.geteuid())} may not {what} {place} ({whose}): run this {instead}{elsewhere}"


def _where(path: Path) -> tuple[Path, str, int]:
    """What stands in the way, what may not be done with it, and the bits that would allow it."""
    whole = path.absolute()
    for folder in reversed(whole.parents):
        if not os.access(folder, os.X_OK, effective_ids=True):
            return folder, "enter", os.X_OK
    if not os.path.lexists(whole):
        return whole.parent, "write into", os.W_OK | os.X_OK
    for right, what in ((os.R_OK, "read"), (os.W_OK, "write")):
        if not os.access(whole, right, effective_ids=True):
            return whole, what, right
    return whole.parent, "write into", os.W_OK | os.X_OK


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
