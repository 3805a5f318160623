"""`stillroom site gateway`: receives what units say, keeps every entry once, tells each unit what it may delete.

One thread and one loop: take what came, open it, commit the batch, announce, answer. A unit hears that the gateway
has an entry only after the commit. With `--json` each entry is printed once, over all runs of this gateway, and so is
each change of an alert (`alert_book`); other lines with a `notice` are about the gateway itself (`notices`).
"""

import argparse
import signal
import time
from contextlib import suppress
from pathlib import Path

from stillroom.clock import NS_PER_S, Clock, SystemClock, utc_text
from stillroom.document_forms import from_ms
from stillroom.errors import EXIT_OK, StillroomError
from stillroom.metronome import Pacer
from stillroom.notify import Notifier
from stillroom_tools.site.gateway import alert_file, place
from stillroom_tools.site.gateway.acts import collect_acts
from stillroom_tools.site.gateway.alarms import ANOTHER_START
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.chains import Chains
from stillroom_tools.site.gateway.connecting import StoreAway
from stillroom_tools.site.gateway.down import Downwards
from stillroom_tools.site.gateway.enrolled import Enrolled
from stillroom_tools.site.gateway.notices import Notice, Refused, retirement
from stillroom_tools.site.gateway.outage import Outage
from stillroom_tools.site.gateway.outgoing import collect
from stillroom_tools.site.gateway.restrictions import Restrictions
from stillroom_tools.site.gateway.retention import Retention
from stillroom_tools.site.gateway.rooms import Room, Rooms
from stillroom_tools.site.gateway.said import Said, tell
from stillroom_tools.site.gateway.sealing import Sealing
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.rights.wishes import Wishes
from stillroom_tools.site.subscriber import Message, Subscriber

HELP = "receive, keep and acknowledge what the units say"

BATCH = 256
LONGEST_WAIT_S = 0.2
LOOK_ROUND_S = 1.0
COLLECT_S = 0.25
LONGEST_LOADING_NS = NS_PER_S // 20
"""Of audit chains, with each batch after a start: records and their answers do not wait for all of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument(
        "--json",
        action="store_true",
        help="on standard output each entry as one line of JSON, each once; and lines with `notice`: each change of "
        "an alert, alarms, presence, what was refused",
    )


def run(options: argparse.Namespace) -> int:
    """Until SIGINT or SIGTERM. Raises ConfigError, TrustError, StorageError.

    Broker trouble never ends it, nor, once it runs, a store that is away.
    """
    site = open_site(options.site)
    gateway = Gateway(site, SystemClock(), announce=options.json)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: gateway.stop())
    gateway.run()
    return EXIT_OK


class Gateway:
    """One site's gateway: make it, `run` it, `stop` it from a signal handler."""

    def __init__(self, site: Site, clock: Clock, *, announce: bool) -> None:
        self._site, self._clock = site, clock
        self._store = Store(place.of(site), site.config.alerts, site.name)
        self._said = Said(self._store, announce)
        self._enrolled = Enrolled(site, "gateway", self._store, clock, tell)
        self._retention = Retention(self._store, site.config.retention)
        self._sealing = Sealing(self._store)
        self._wishes = Wishes(site, self._store, clock)
        self._restrictions = Restrictions(site, self._store.commands, tell)
        self._chains = Chains(self._store.chain_of)
        self._rooms = Rooms(clock, site.config.slots.period_s)
        self._subscriber = Subscriber(
            site.broker("gateway"),
            site.folder,
            f"{site.name}-gateway",
            [f"stillroom/1/{site.name}/+/up"],
            persistent=True,
            tell=tell,
        )
        self._pacer = Pacer(clock, self._subscriber.publish)
        self._down = Downwards(
            self._enrolled.keys.signing, self._store, clock, site.config.slots.period_s, self._publish
        )
        self._refused = Refused(clock, self._said.notice)
        self._outage = Outage(self._store, clock, self._said.notice)
        self._notifier = Notifier()
        self._stopping = False
        self._collect_ns = 0
        self._not_shown = ""

    def stop(self) -> None:
        self._stopping = True

    def run(self) -> None:
        """Serve until `stop`."""
        self._enrol()
        tell(
            f"site '{self._site.name}', {len(self._enrolled.units)} units, {len(self._store.alerts.all())} alerts stand"
        )
        for wish, until_ms in self._store.erasures.cut:
            tell(
                f"room {wish.room}: erasure {wish.id} was for a time to come too, up to {utc_text(wish.until_ms)}: it "
                f"counts up to {utc_text(until_ms)}, when it was carried out, and what came since is kept"
            )
        self._remember()
        self._said.print_new()
        try:
            with self._subscriber, self._pacer:
                self._notifier.ready()
                while not self._stopping:
                    try:
                        self._serve()
                    except StoreAway as error:
                        self._wait_for_store(error)
        finally:
            self._notifier.stopping()
            with suppress(StillroomError):  # nobody reads any more: that has been said
                self._refused.tell(self._enrolled.refusals, self._subscriber.dropped, now=True)
            self._store.close()

    def _serve(self) -> None:
        look_ns = self._clock.mono_ns()
        while not self._stopping:
            self._beat()
            if self._clock.mono_ns() >= look_ns:
                look_ns = self._clock.mono_ns() + round(LOOK_ROUND_S * NS_PER_S)
                self._look_round()

    def _wait_for_store(self, error: StoreAway) -> None:
        """Units hear the time, and what was on the disk; they are told no commands, and nothing is taken."""
        self._outage.begin(error)
        self._down.carries_commands = False
        while not self._stopping and not self._outage.is_open_again():
            self._down.send_due()
            self._notifier.progress()  # what can be done meanwhile; the store is told of
            time.sleep(min(self._down.wait_s(), LONGEST_WAIT_S))
        self._down.carries_commands = True
        self._enrolled.alarms.excuse()  # what was opened and not kept is missing through no fault of its way
        self._chains = Chains(self._store.chain_of)

    def _remember(self) -> None:
        """What was known before this start, until units are heard: never as if it were now."""
        before = self._store.known()
        for one in before:
            if one.telemetry is not None and one.unit in self._enrolled.units:
                self._enrolled.versions.remember(one.unit, one.telemetry)
        known = self._rooms.remember(before)
        if known:
            oldest_ms, newest_ms = (pick(room.seen_ms or 0 for room in known) for pick in (min, max))
            tell(
                f"rooms known from before: {len(known)}, heard last from {from_ms(oldest_ms):%Y-%m-%d %H:%M:%S} to "
                f"{from_ms(newest_ms):%Y-%m-%d %H:%M:%S} UTC"
            )
        for room in known:
            self._said.write(self._presence(room, f": {room.before}"))

    def _beat(self) -> None:
        self.receive(self._subscriber.take(BATCH, min(self._down.wait_s(), LONGEST_WAIT_S)))
        if self._clock.mono_ns() >= self._collect_ns:
            self._collect_ns = self._clock.mono_ns() + round(COLLECT_S * NS_PER_S)
            self._collect()
        self._down.send_due()
        self._notifier.progress()

    def receive(self, messages: list[Message]) -> None:
        """Open, commit, announce. Nothing is shown or told to a unit before the commit."""
        opened = [o for o in (self._enrolled.open(m) for m in messages) if o is not None]
        if not opened:
            return
        now_ms = self._clock.utc_ms()
        enough_ns = self._clock.mono_ns() + LONGEST_LOADING_NS
        self._chains.load((o.unit for o in opened), lambda: self._clock.mono_ns() > enough_ns)
        counts = self._store.commit([Arrived(o, now_ms) for o in opened])
        self._outage.end()
        self._refused.count(counts)
        for o in opened:
            if self._chains.leads_astray(o):
                self._enrolled.alarms.broken_chain(o.unit)
            before = self._rooms.presence(o.unit)
            order = (o.boot, o.epoch_index, o.sequence)
            room = self._rooms.saw(o.unit, order, o.body.sealed_ms, o.body.snapshot)
            if room and room.presence != before:
                self._present(room, "")
            self._store.alerts.back(o.unit, now_ms)
            self._restrictions.heard(o.unit, self._store.heard(o.unit))
        self._tell_alerts()
        if counts["new"] or counts["rewritten"]:
            self._said.print_new()

    def _collect(self) -> None:
        """What people send: whoever asks for a look waits for it."""
        for told in collect(self._site, self._enrolled.units, self._store.commands, self._clock.utc_ms()):
            tell(told)
        for told in self._wishes.step():
            tell(told)

    def _look_round(self) -> None:
        if self._enrolled.refresh():
            self._enrol()
            tell(f"units enrolled now: {', '.join(sorted(self._enrolled.units)) or 'none'}")
        for retired in self._enrolled.retired_now():
            self._said.notice(retirement(retired, self._clock.utc_ms()))
        for room in self._rooms.judge():
            self._present(room, ": no record for three slots")
            self._store.alerts.silent(room.unit, room.name, self._clock.utc_ms())
        for alarm in (*self._enrolled.alarms.news(), *self._enrolled.versions.news()):
            self._said.notice(alarm)
            if alarm.what in ANOTHER_START:
                self._restrictions.suspect(alarm.unit)
        self._restrictions.tell_again(self._enrolled.units, self._clock.utc_ms())
        self._refused.tell(self._enrolled.refusals, self._subscriber.dropped)
        self._look_at_alerts()
        now_ms = self._clock.utc_ms()
        for said in (*self._retention.step(now_ms), *self._sealing.step(now_ms)):
            self._said.notice(said)

    def _look_at_alerts(self) -> None:
        """What people did, and what time did; then what stands, for whoever shows it."""
        book, now_ms = self._store.alerts, self._clock.utc_ms()
        for told in collect_acts(self._site, book, now_ms):
            tell(told)
        book.pass_time(now_ms)
        self._tell_alerts()
        trouble = alert_file.write(
            self._site.folder / "gateway", alert_file.Standing(now_ms, tuple(book.all()))
        )
        if trouble and trouble != self._not_shown:
            tell(trouble)
        self._not_shown = trouble

    def _tell_alerts(self) -> None:
        news = self._store.alerts.news()
        for said in news:
            tell(said.text)
        if news:
            self._said.print_new()

    def _present(self, room: Room, because: str) -> None:
        self._said.notice(self._presence(room, because))

    def _presence(self, room: Room, because: str) -> Notice:
        text = f"unit {room.unit} (room {room.name}) is {room.presence}{because}"
        return Notice("presence", self._clock.utc_ms(), room.unit, room.presence, 0, text)

    def _enrol(self) -> None:
        units = self._enrolled.units
        self._rooms.withdraw(self._rooms.units() - set(units))
        self._rooms.enrol(units)
        self._down.enrol(units)
        self._store.alerts.enrolled(units, self._clock.utc_ms())

    def _publish(self, unit: str, record: bytes, at_ns: int) -> None:
        self._pacer.hand(f"stillroom/1/{self._site.name}/{unit}/down", record, at_ns)
