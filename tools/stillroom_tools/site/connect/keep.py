"""What the broker keeps: sessions of who is away, a queue for who is slow, retained messages, and one client per id."""

import secrets
import time

from stillroom.wire import RECORD_BYTES
from stillroom_tools.site.connect.findings import Finding, good, limited, not_tried
from stillroom_tools.site.connect.probe import Probe, Refused
from stillroom_tools.site.connect.ways import Ways

WITHIN_S = 5.0
ABSENT_RECORDS = 3
QUEUED_RECORDS = 1_500
"""Fifteen seconds of a site of 200 units; half as much again as mosquitto keeps by default."""
WINDOW = 256
QUEUE_WITHIN_S = 30.0
QUIET_S = 2.0
SHARED_RECORDS = 20


def session(ways: Ways, v5: bool) -> list[Finding]:
    """What is said while the gateway is away; and the session of a broker that starts anew, which nobody can try."""
    records = [secrets.token_bytes(RECORD_BYTES) for _ in range(ABSENT_RECORDS)]
    away = Probe(ways.gateway, ways.site, v5=v5, keeps=True)
    with away:
        away.hear(ways.all_up)
    with Probe(ways.unit, ways.site, v5=v5) as unit:
        for record in records:
            unit.say(ways.topic(ways.unit.name, "up"), record)
    with Probe(ways.gateway, ways.site, v5=v5, keeps=True, client_id=away.client_id) as back:
        kept = back.session
        came = sum(back.take(record, WITHIN_S if kept else 0.5) is not None for record in records)
    _forget(ways, v5, away.client_id)
    restart = not_tried("restart", "whether sessions outlive a kill of the broker", "stop it once, and try")
    if came == ABSENT_RECORDS:
        return [good("session", f"what was said while the gateway was away came: {came} of {came}"), restart]
    found = f"{came} of {ABSENT_RECORDS} records came that were said while the gateway was away"
    means = "nothing is lost, but units send all of them again after each absence of the gateway"
    return [limited("session", found, means), restart]


def _forget(ways: Ways, v5: bool, client_id: str) -> None:
    """Leave no session behind."""
    with Probe(ways.gateway, ways.site, v5=v5, client_id=client_id):
        pass


def queue(ways: Ways, v5: bool) -> Finding:
    """A gateway that is connected and acknowledges nothing for a while: how much waits for it, how much is dropped."""
    slow = Probe(ways.gateway, ways.site, v5=v5, keeps=True, by_hand=True)
    with slow, Probe(ways.unit, ways.site, v5=v5) as unit:
        slow.hear(ways.all_up)
        said = _flood(unit, ways.topic(ways.unit.name, "up"))
        came = _drain(slow, said)
    _forget(ways, v5, slow.client_id)
    if came >= said == QUEUED_RECORDS:
        return good("queue", f"{came:,} records wait for a slow gateway")
    if came >= said:
        return limited(
            "queue", f"it took {said:,} records in {QUEUE_WITHIN_S:.0f} s", "too slow for a large site"
        )
    means = "what it drops it has acknowledged; units send it again: raise its limit of queued messages"
    return limited("queue", f"of {said:,} records for a slow gateway {came:,} came", means)


def _flood(unit: Probe, topic: str) -> int:
    """Say records as fast as the broker takes them; how many it acknowledged."""
    end_s = time.monotonic() + QUEUE_WITHIN_S
    sent = 0
    while len(unit.answers) < QUEUED_RECORDS and unit.closed is None and time.monotonic() < end_s:
        while sent < QUEUED_RECORDS and sent - len(unit.answers) < WINDOW:
            unit.client.publish(topic, sent.to_bytes(4, "big") + bytes(RECORD_BYTES - 4))
            sent += 1
        unit.turn()
    return len(unit.answers)


def _drain(slow: Probe, said: int) -> int:
    """Acknowledge what comes until all has come, or nothing more does; how many different ones came."""
    done, last_s = 0, time.monotonic()
    seen: set[bytes] = set()
    while len(seen) < said and slow.closed is None and time.monotonic() - last_s < QUIET_S:
        slow.turn()
        for message in slow.heard[done:]:
            slow.client.acknowledge(message)
            seen.add(message.payload[:4])
            last_s = time.monotonic()
        done = len(slow.heard)
    return len(seen)


def retained(ways: Ways, v5: bool) -> Finding:
    """A retained message for who subscribes later, by a pattern."""
    topic, payload = ways.topic(ways.unit.name, "up"), secrets.token_bytes(32)
    with Probe(ways.unit, ways.site, v5=v5) as unit:
        taken = unit.say(topic, payload, retain=True)
        try:
            with Probe(ways.gateway, ways.site, v5=v5) as later:
                later.hear(ways.all_up)
                came = later.take(payload, 2.0)
        finally:
            if taken:
                unit.say(topic, b"", retain=True)
    if came is not None and came.retained:
        return good(
            "retained", "kept for who subscribes later", "a site needs none; Home Assistant's discovery does"
        )
    found = "refused" if not taken else "not delivered to a subscription with a wildcard"
    return limited(
        "retained", found, "a site needs none; Home Assistant is told anew at each of its starts alone"
    )


def shared(ways: Ways, v5: bool) -> Finding:
    """`$share`: two that share a subscription. Some brokers grant it and deliver nothing."""
    means = "one gateway alone can serve this site, which is what there is"
    payloads = [secrets.token_bytes(32) for _ in range(SHARED_RECORDS)]
    with (
        Probe(ways.gateway, ways.site, v5=v5) as one,
        Probe(ways.gateway, ways.site, v5=v5) as two,
        Probe(ways.unit, ways.site, v5=v5) as unit,
    ):
        if not all(probe.hear(f"$share/connect/{ways.all_up}") for probe in (one, two)):
            return limited("$share", "refused", means)
        for payload in payloads:
            unit.say(ways.topic(ways.unit.name, "up"), payload)
        wanted = set(payloads)
        end_s = time.monotonic() + QUIET_S

        def came() -> list[bytes]:
            return [m.payload for probe in (one, two) for m in probe.heard if m.payload in wanted]

        while len(came()) < SHARED_RECORDS and time.monotonic() < end_s:
            one.turn()
            two.turn()
        both = [sum(m.payload in wanted for m in probe.heard) for probe in (one, two)]
    if not came():
        return limited("$share", "granted, and nothing is delivered", means)
    if sorted(came()) != sorted(payloads):
        return limited(
            "$share", f"of {SHARED_RECORDS} messages {both[0]} and {both[1]} came to the two", means
        )
    return good("$share", f"{both[0]} and {both[1]} of {SHARED_RECORDS} messages came to the two, each once")


def takeover(ways: Ways, v5: bool) -> Finding:
    """A second connection with the first one's id, as after a network that broke without a word."""
    means = "after a network that broke, a unit or gateway waits until the broker has noticed it"
    first = Probe(ways.gateway, ways.site, v5=v5)
    with first:
        try:
            with Probe(ways.gateway, ways.site, v5=v5, client_id=first.client_id) as second:
                first.wait(lambda: first.closed is not None, WITHIN_S)
                second.turn()
                if first.closed is None:
                    return limited("takeover", "both connections of one id stay", means)
                if second.closed is not None:
                    return limited("takeover", "both connections of one id end", means)
        except Refused as error:
            return limited("takeover", f"the second connection of an id is refused ({error})", means)
    return good("takeover", "a second connection of an id ends the first")
