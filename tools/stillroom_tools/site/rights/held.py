"""How far the rights log was, kept in the gateway's store: an older log with its older `log.end` put back is too short.

Whoever has the store notes it, within a second where a gateway runs; `subject log` and `subject check` compare. A store
on a server of its own is out of reach of whoever can write in the site's folder; one that lies in it could be put back
too, and would lack entries that its units were told to forget.
"""

from stillroom.errors import TrustError
from stillroom.files import Stamp, file_stamp
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import Site
from stillroom_tools.site.rights.forms import folder_of
from stillroom_tools.site.rights.record import END, NOTED_HEAD, NOTED_LINE, end_of, shortened


class Held:
    """`step` now and then."""

    def __init__(self, site: Site, store: Store) -> None:
        self._site, self._database = site, store.database
        self._seen: Stamp | None = None

    def step(self) -> list[str]:
        """Notes an end that is further; what there is to say of one that is not. Raises StorageError."""
        path = folder_of(self._site) / END
        stamp = file_stamp(path)
        if stamp is None or stamp == self._seen:
            return []
        try:
            end = end_of(self._site)
        except TrustError:  # `subject log` says it
            end = None
        line = self._database.number(NOTED_LINE)
        if end is not None and end.line > line:
            with self._database.transaction():
                self._database.set_number(NOTED_LINE, end.line)
                self._database.set_number(NOTED_HEAD, shortened(end.head))
        self._seen = stamp
        if end is None or end.line >= line:
            return []
        return [f"{path}: tells of line {end.line}, and line {line} was there: an older one was put back"]
