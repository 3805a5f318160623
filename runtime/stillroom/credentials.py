"""Where secret files are: among what systemd has decrypted for this service alone, else where the configuration says.

On a unit keys lie on the card encrypted, and `LoadCredentialEncrypted=` puts them into memory under
$CREDENTIALS_DIRECTORY, with the same file names (systemd.exec(5)). On a laptop there is no such folder.
"""

import os
from pathlib import Path


def folder() -> Path | None:
    """This service's credentials; None where it has none."""
    name = os.environ.get("CREDENTIALS_DIRECTORY", "")
    return Path(name) if name.startswith("/") else None


def locate(path: Path) -> Path:
    """The file of that name that systemd gave us, else `path` itself."""
    given = folder()
    if given is not None and (given / path.name).is_file():
        return given / path.name
    return path
