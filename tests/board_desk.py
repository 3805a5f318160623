"""A board without a network: a site's folder, a clock moved by hand, rooms put in as if units had told of them."""

import base64
from dataclasses import dataclass, field

import msgspec
from board_rig import PASSWORD
from parties import HandClock, body
from starlette.testclient import TestClient

from stillroom.clock import MS_PER_S
from stillroom_tools.site.board import totp
from stillroom_tools.site.board.app import application
from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.board.roles import Role
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.layout import Site
from stillroom_tools.site.watching import Watch

HOST = "localhost"


@dataclass
class Board:
    """One board, and a browser for whoever is needed."""

    site: Site
    clock: HandClock
    watch: Watch
    desk: Desk
    secrets: dict[str, bytes] = field(default_factory=dict)

    def browser(self) -> TestClient:
        return TestClient(
            application(self.desk, (HOST,)),
            base_url=f"http{'s' if self.desk.tls else ''}://{HOST}",
            follow_redirects=False,
            raise_server_exceptions=True,
        )

    @property
    def origin(self) -> dict[str, str]:
        return {"origin": f"http{'s' if self.desk.tls else ''}://{HOST}"}

    def person(self, name: str, *roles: Role) -> None:
        """Somebody who has set up a password and a phone."""
        token = self.desk.people.add(name, roles)
        self.secrets[name] = totp.new_secret()
        assert self.desk.people.set_up(name, token, PASSWORD, self.secrets[name], 0)

    def code(self, name: str, after: int = 0) -> str:
        return totp.code_at(self.secrets[name], self.clock.utc_ms() // MS_PER_S // totp.STEP_S + after)

    def logged_in(self, name: str, *roles: Role) -> TestClient:
        """A browser in which this person, made here where he is not there, is logged in."""
        if name not in self.secrets:
            self.person(name, *roles)
        browser = self.browser()
        fields = {"name": name, "password": PASSWORD, "code": self.code(name)}
        answer = browser.post("/login", data=fields, headers=self.origin)
        assert answer.status_code == 303, answer.text
        return browser

    def csrf(self, browser: TestClient) -> str:
        page = browser.get("/").text
        return page.split('name="csrf" value="')[1].split('"')[0]

    def room(self, unit: str = "u-1", **changes: object) -> None:
        """A record of this unit was opened, and the page knows."""
        snapshot = msgspec.structs.replace(body().snapshot, waiting=0, clock="gateway", **changes)
        self.watch.rooms.enrol([unit])
        before = self.watch.rooms._newest.get(unit, (1, 0, 0))
        self.watch.rooms.saw(unit, (1, 0, before[2] + 1), self.clock.utc_ms(), snapshot)
        self.desk.live.show()

    def alerts(self, *alerts: Alert) -> None:
        """What a gateway says that stands."""
        folder = self.site.folder / "gateway"
        assert alert_file.write(folder, alert_file.Standing(self.clock.utc_ms(), alerts)) == ""
        self.desk.live.look(0)
        self.desk.live.show()


def alert(unit: str = "u-1", kind: str = "on-floor", **changes: object) -> Alert:
    made = Alert(unit, "room-1", kind, "high", "raised", True, 1, first_ms=1, raised_ms=1, set_ms=1)
    return msgspec.structs.replace(made, **changes)


def key_of(page: str) -> bytes:
    """The secret that a set-up page shows."""
    return base64.b32decode(page.split('class="key">')[1].split("<")[0])
