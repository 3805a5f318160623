"""Who is logged in: in memory alone, by monotonic time. A restart of the board ends every session.

A session ends after 15 minutes in which its person did nothing, and 12 hours after it began whatever he did. That a
page stays open and is fed is not use.
"""

import secrets
from dataclasses import dataclass, field

from stillroom.clock import NS_PER_S, Clock
from stillroom.hashes import digest, same
from stillroom_tools.site.board.people import Person
from stillroom_tools.site.board.roles import Right, rights

IDLE_S = 15 * 60
WARNING_S = 2 * 60
LONGEST_S = 12 * 3_600
MOST_OF_ONE = 10


@dataclass
class Session:
    """One login. `csrf` goes into each form: whoever has only the cookie's use does not know it."""

    name: str
    generation: str
    rights: frozenset[Right]
    began_ns: int
    used_ns: int
    csrf: str = field(repr=False)
    key: bytes = field(repr=False)

    def may(self, right: Right) -> bool:
        return right in self.rights

    def takes(self, csrf: str) -> bool:
        return same(self.csrf.encode(), csrf.encode())


class Sessions:
    """Cookies to sessions; the cookie itself is not kept, only its hash."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[bytes, Session] = {}

    def begin(self, person: Person) -> tuple[str, Session]:
        """A new cookie and its session. Whoever has ten loses the one that was used least lately."""
        self._forget()
        own = [one for one in self._sessions.values() if one.name == person.name]
        if len(own) >= MOST_OF_ONE:
            self.end(min(own, key=lambda one: one.used_ns))
        cookie, now_ns = secrets.token_urlsafe(32), self._clock.mono_ns()
        csrf, key = secrets.token_urlsafe(32), _key(cookie)
        allowed = rights(person.roles)
        session = Session(person.name, person.generation, allowed, now_ns, now_ns, csrf, key)
        self._sessions[key] = session
        return cookie, session

    def find(self, cookie: str) -> Session | None:
        """The session that has not ended."""
        session = self._sessions.get(_key(cookie))
        return session if session and self.left_s(session) > 0 else None

    def left_s(self, session: Session) -> int:
        """Whole seconds until it ends if nothing is done; 0 where it has ended."""
        now_ns = self._clock.mono_ns()
        if self._sessions.get(session.key) is not session:
            return 0
        ends_ns = min(session.used_ns + IDLE_S * NS_PER_S, session.began_ns + LONGEST_S * NS_PER_S)
        return max((ends_ns - now_ns) // NS_PER_S, 0)

    def use(self, session: Session) -> None:
        """Its person did something."""
        session.used_ns = self._clock.mono_ns()

    def end(self, session: Session) -> None:
        self._sessions.pop(session.key, None)

    def _forget(self) -> None:
        for key in [key for key, one in self._sessions.items() if not self.left_s(one)]:
            del self._sessions[key]


def _key(cookie: str) -> bytes:
    return digest(b"stillroom/1 session", cookie.encode())
