"""Files that somebody hands to a command: read whole, and not without end."""

from pathlib import Path

from stillroom.errors import InputError


def read_given(path: Path, most_bytes: int, what: str) -> bytes:
    """All of it. Raises InputError: it cannot be read, or is larger than `what` ("no list of units") is."""
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > most_bytes:
        raise InputError(f"{path}: larger than {most_bytes >> 20} MiB, which {what} is")
    return data
