"""Where the gateway keeps what it has received: `[gateway] store` of site.toml, read and judged."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from stillroom.errors import ConfigError
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.layout import SITE_FILE, Site

POSTGRESQL = "postgresql+psycopg"
_ALLOWED = f"allowed are sqlite:///FILE (from the site's folder) and {POSTGRESQL}://USER@HOST/DATABASE"


@dataclass(frozen=True)
class Place:
    """`url`, with a file's path made absolute; `file` is None where a server keeps it."""

    url: URL
    file: Path | None

    @property
    def words(self) -> str:
        """To be named in a message: a file's path, or the URL without its password."""
        return str(self.file) if self.file else self.url.render_as_string(hide_password=True)


def of(site: Site) -> Place:
    """Raises ConfigError, which never holds a password."""
    return find(site.folder, site.config.gateway.store)


def in_folder(folder: Path) -> Place:
    """SQLite's file of the usual name."""
    return find(folder, f"sqlite:///{FILE}")


def find(folder: Path, text: str) -> Place:
    """`text` as in `folder`/site.toml. Raises ConfigError."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise _wrong(folder, "not a URL") from None
    if url.drivername == "sqlite":
        if url.host or url.username or url.query or not url.database or url.database == ":memory:":
            raise _wrong(folder, "names no file")
        path = (folder / url.database).resolve()
        return Place(url.set(database=str(path)), path)
    if url.drivername != POSTGRESQL:
        raise _wrong(folder, f"'{url.drivername}' is none that a gateway can use")
    if not url.database:
        raise _wrong(folder, "names no database")
    return Place(url, None)


def _wrong(folder: Path, why: str) -> ConfigError:
    return ConfigError(f"{folder / SITE_FILE}: key 'gateway.store': {why}: {_ALLOWED}")
