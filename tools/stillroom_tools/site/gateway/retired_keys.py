"""Keys that the site has retired, kept up with its folder while we run: their records are refused by name."""

from collections.abc import Callable

from stillroom.errors import StillroomError, WireError
from stillroom.files import Stamp, file_stamp
from stillroom.wire import Lane, parse, verify
from stillroom_tools.site import retired
from stillroom_tools.site.layout import Site
from stillroom_tools.site.retired import Retired


class RetiredKeys:
    """`refresh` about once a second."""

    def __init__(self, site: Site, tell: Callable[[str], None]) -> None:
        self._site, self._tell = site, tell
        self._stamp: Stamp | None = None
        self._keys: dict[bytes, Retired] = {}
        self._told: set[bytes] | None = None
        self.refresh()

    def news(self) -> list[Retired]:
        """What was retired since the last time; the first time nothing, since that is no news."""
        fresh = [one for key, one in self._keys.items() if self._told is not None and key not in self._told]
        self._told = set(self._keys)
        return fresh

    def sender_of(self, record: bytes) -> Retired | None:
        """Whose key signed a record, where it is one of these; None also where the signature is not right."""
        try:
            parsed = parse(record)
            found = self._keys.get(parsed.sender)
            if found is not None:
                verify(parsed, found.key, Lane.UP)
        except WireError:
            return None
        return found

    def refresh(self) -> None:
        """Read the folder again where it has changed."""
        stamp = file_stamp(retired.folder_of(self._site))
        if stamp == self._stamp:
            return
        try:
            self._keys = {one.key.id: one for one in retired.all_of(self._site)}
            self._stamp = stamp
        except StillroomError as error:
            self._tell(f"left aside: {error}")
