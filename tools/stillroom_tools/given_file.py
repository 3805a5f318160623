"""Files that somebody hands to a command: read whole, and not without end."""

from pathlib import Path

from stillroom.errors import InputError


def read_given(path: Path, most_bytes: int, what: str) -> bytes:
    """All of it. Raises InputError: it cannot be read, or is larger than `what` ("no list of units") is."""
    data = read_at_most(path, most_bytes)
    if data is None:
        raise InputError(f"{path}: larger than {most_bytes >> 20} MiB, which {what} is")
    return data


def read_at_most(path: Path, most_bytes: int) -> bytes | None:
    """All of it; None: it is larger. Raises InputError: it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return data if len(data) <= most_bytes else None
