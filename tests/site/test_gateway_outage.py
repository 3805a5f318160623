"""The store goes while the gateway runs: said once, nothing lost, units hear the time, and it goes on by itself."""

import json
import resource
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from gateway_process import GatewayProcess, gateway, place
from parties import HandClock
from postgres import Postgres
from stored import Sender as Records
from stored import entry
from unit_sender import Sender, step_until

from stillroom.errors import StorageError
from stillroom.events import ConditionChanged, Entry
from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site.gateway.connecting import StoreAway
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.gateway.outage import RETRY_S, Outage
from stillroom_tools.site.gateway.place import find
from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.gateway.store import Store

needs_mosquitto = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")


def store_notices(running: GatewayProcess) -> list[str]:
    lines = (json.loads(line) for line in running.lines.read_bytes().splitlines())
    return [line["what"] for line in lines if line.get("notice") == "store"]


def goes_and_comes_back(sender: Sender, running: GatewayProcess, fail, mend) -> None:
    """Through one outage, with entries before, in and after it."""
    with sender.session:
        sender.accept(5)
        step_until(sender, lambda: sender.settled, "the first entries")
        fail()
        sender.accept(30)
        step_until(sender, lambda: store_notices(running) == ["away"], "the outage told")
        heard = sender.heard
        step_until(sender, lambda: sender.heard > heard + 4, "records downwards all the same")
        assert not sender.settled and len(running.announced()) == 5
        mend()
        step_until(sender, lambda: sender.settled, "the end of the outage")
        sender.accept(5)
        step_until(
            sender, lambda: sender.settled and store_notices(running) == ["away", "back"], "the end told"
        )
        assert running.stop() == 0
    assert Counter(map(place, running.announced())) == Counter(("u-1", n) for n in range(1, 41))
    assert running.said().count("tried again every 5 s") == 1 and "Traceback" not in running.said()


@needs_mosquitto
def test_a_server_that_was_killed(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker, postgres: Postgres
) -> None:
    url = postgres.new_database()
    with (tls_site / "site.toml").open("a") as settings:
        settings.write(f'\n[gateway]\nstore = "{url}"\n')
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    with gateway(tls_site, tmp_path) as running:
        goes_and_comes_back(sender, running, postgres.kill, postgres.start)


@needs_mosquitto
def test_a_disk_that_takes_no_more(tmp_path: Path, tls_site: Path, tls_broker: LocalBroker) -> None:
    """A limit on the size of files, set and taken away from outside: the log of the database may not grow."""
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    with gateway(tls_site, tmp_path) as running:
        assert running._process is not None
        pid = running._process.pid

        def limit() -> None:
            size = (tls_site / "gateway" / f"{FILE}-wal").stat().st_size
            assert size > 10 * (running.lines.stat().st_size + running.log.stat().st_size), "these may"
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        def lift() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        goes_and_comes_back(sender, running, limit, lift)


def outage(tmp_path: Path) -> tuple[Store, HandClock, list[Notice], Outage]:
    store, clock, told = Store(tmp_path), HandClock(), []
    return store, clock, told, Outage(store, clock, told.append)


def test_it_is_said_once_however_often_it_opens_and_fails(tmp_path: Path) -> None:
    """A disk that is almost full opens, and takes no batch."""
    store, clock, told, one = outage(tmp_path)
    for _ in range(3):
        one.begin(StoreAway("full"))
        assert not one.is_open_again(), "not at once"
        clock.pass_time(timedelta(seconds=RETRY_S))
        assert one.is_open_again()
    assert [(notice.what, notice.text) for notice in told] == [("away", "full; tried again every 5 s")]
    one.end()
    one.end()
    assert [notice.what for notice in told] == ["away", "back"] and "after 15 s" in told[1].text
    one.begin(StoreAway("full"))
    assert len(told) == 3, "another one is said again"
    store.close()


def test_what_is_not_ours_when_it_comes_back_ends_the_gateway(tmp_path: Path) -> None:
    store, clock, _, one = outage(tmp_path)
    one.begin(StoreAway("away"))
    clock.pass_time(timedelta(seconds=RETRY_S))
    for path in tmp_path.glob(f"{FILE}*"):
        path.unlink()
    (tmp_path / FILE).write_text("something else " * 1000)
    with pytest.raises(StorageError, match="cannot be opened") as caught:
        one.is_open_again()
    assert not isinstance(caught.value, StoreAway)
    store.close()


def test_what_a_failed_batch_changed_in_memory_is_forgotten(tmp_path: Path, postgres: Postgres) -> None:
    """Alerts, cursors and what was seen are again as they are on the disk; the same record may come again."""
    store = Store(find(tmp_path, postgres.new_database()))
    records = Records(store)
    store.commit([records.arrive(entry(1))])
    fall = Entry(2, 0, 0, ConditionChanged("on-floor", "high", True, "91 %"))
    arrived = records.arrive(fall)
    postgres.kill()
    with pytest.raises(StoreAway):
        store.commit([arrived])
    with pytest.raises(StoreAway):
        store.unannounced(1)
    postgres.start()
    store.reopen()
    assert store.alerts.all() == [] and store.alerts.news() == [] and not store.cursor("u-1").has(2)
    again = Records(store, under=records.under)
    again._sequence = 1
    assert store.commit([again.arrive(fall)]) == {"new": 1}
    assert [alert.state for alert in store.alerts.all()] == ["raised"]
    store.close()
