"""Which program this is: its version, a hash over its own files, and when the newest of them was put here."""

import hashlib
from pathlib import Path

from stillroom import __version__

_PACKAGE = Path(__file__).parent


def _files() -> list[Path]:
    return sorted(path for end in ("*.py", "*.so") for path in _PACKAGE.rglob(end))


def named() -> str:
    """Version and SHA-256."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(_PACKAGE)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return f"{__version__} sha256:{digest.hexdigest()}"


def put_here_s() -> float:
    """UTC, s."""
    return max((path.stat().st_mtime for path in _files()), default=0.0)
