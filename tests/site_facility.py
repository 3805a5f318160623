"""A keeper, and the real gateway of its site, record by record without a broker."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.link import Network, Up
from stillroom_tools.site.gateway.main import Gateway
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.subscriber import Message
from tests.rig import Rig

TOPIC = "stillroom/1/test/u-1/up"


class Facility:
    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.rig.unit.from_courier(Network(True, "connected"))
        self.site = open_site(self.rig.site_folder)
        self.database = self.rig.site_folder / "gateway" / FILE
        self.gateway: Gateway | None = None
        self.open()

    def open(self) -> None:
        self.gateway = Gateway(self.site, SystemClock(), announce=False)
        self.gateway._enrol()

    def close(self) -> None:
        assert self.gateway is not None
        self.gateway._store.close()

    def record(self) -> bytes:
        self.rig.beat(2)
        self.rig.unit.slot()
        up = self.rig.courier.last(Up)
        assert isinstance(up, Up)
        return up.record

    def hear(self, *records: bytes) -> None:
        self.gateway.receive([Message(TOPIC, record) for record in records])

    def settle(self) -> None:
        """Until nothing waits: the gateway's cursor, as its signed word brings it."""
        for _ in range(20):
            self.hear(self.record())
            cursor = self.gateway._store.cursor("u-1")
            self.rig.unit._outbox.settle(cursor.contiguous, cursor.ranges)
            if not self.rig.unit._outbox.waiting:
                break
        self.hear(self.record())

    def live(self, times: int = 1) -> None:
        for _ in range(times):
            self.rig.unit.button()
            self.rig.clock.pass_time(timedelta(seconds=2))
            self.rig.unit.button()
            self.rig.beat()

    @property
    def alarms(self) -> dict[str, int]:
        return self.gateway._enrolled.alarms.of("u-1")

    def change(self, sql: str) -> None:
        """An insider with the database, while the gateway is down."""
        self.close()
        with sqlite3.connect(self.database) as database:
            assert database.execute(sql).rowcount > 0
        database.close()
        self.open()
