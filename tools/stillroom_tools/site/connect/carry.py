"""What the broker carries: records up and down, unchanged, acknowledged, and how large they may be."""

import secrets

from stillroom.wire import RECORD_BYTES
from stillroom_tools.site.connect.findings import Finding, good, limited, missing
from stillroom_tools.site.connect.probe import Probe
from stillroom_tools.site.connect.ways import Ways

SIZES_BYTES = (RECORD_BYTES, 16_384, 65_000)
"""What a record needs; beyond that nothing of this version does, and topics of 64 KiB are what WIRE.md keeps to."""


def both_ways(ways: Ways, v5: bool) -> list[Finding]:
    """A record's size from unit to gateway, and from gateway to unit; QoS 1."""
    unit = ways.unit.name
    with Probe(ways.gateway, ways.site, v5=v5) as gateway, Probe(ways.unit, ways.site, v5=v5) as sender:
        return [
            _carries("up", gateway, sender, ways.all_up, ways.topic(unit, "up"), "the gateway hears nothing"),
            _carries(
                "down",
                sender,
                gateway,
                ways.topic(unit, "down"),
                ways.topic(unit, "down"),
                "units learn nothing",
            ),
        ]


def _carries(check: str, hearer: Probe, sayer: Probe, heard_on: str, said_on: str, means: str) -> Finding:
    payload = secrets.token_bytes(RECORD_BYTES)
    if not hearer.hear(heard_on):
        return missing(
            check, f"'{hearer.way.name}' may not subscribe to {heard_on}", f"{means}: allow it in the ACL"
        )
    if not sayer.say(said_on, payload):
        return missing(
            check, f"'{sayer.way.name}' may not publish to {said_on}", f"{means}: allow it in the ACL"
        )
    arrived = hearer.take(payload)
    if arrived is None:
        return missing(check, *_lost(hearer, sayer, heard_on, said_on, means))
    if arrived.topic != said_on:
        found = f"{said_on} arrives as {arrived.topic}"
        return missing(check, found, "a record is refused where its topic does not name its unit")
    if arrived.qos != 1:
        return limited(check, f"delivered, but with QoS {arrived.qos}", "units send again more often")
    return good(check, f"{RECORD_BYTES:,} bytes, unchanged, QoS 1")


def _lost(hearer: Probe, sayer: Probe, heard_on: str, said_on: str, means: str) -> tuple[str, str]:
    """What was found, and what it means, where a message was acknowledged and did not come."""
    came = [message for message in hearer.heard if message.topic == said_on]
    if came:
        return (
            f"a payload on {said_on} arrives changed",
            "every record is refused: it must leave payloads alone",
        )
    who = (
        f"'{sayer.way.name}' says something on {said_on}, and '{hearer.way.name}', who listens to {heard_on}"
    )
    return f"{who}, does not hear it", f"{means}: does the ACL let both?"


def sizes(ways: Ways, v5: bool) -> Finding:
    """The largest payload that arrives, of those tried."""
    arrived = 0
    for size in SIZES_BYTES:
        with Probe(ways.gateway, ways.site, v5=v5) as gateway, Probe(ways.unit, ways.site, v5=v5) as unit:
            payload = secrets.token_bytes(size)
            gateway.hear(ways.all_up)
            if not unit.say(ways.topic(ways.unit.name, "up"), payload) or gateway.take(payload) is None:
                break
        arrived = size
    if arrived < RECORD_BYTES:
        return missing(
            "sizes", f"{RECORD_BYTES:,} bytes do not arrive", "no record does: raise its message size limit"
        )
    if arrived < SIZES_BYTES[-1]:
        following = next(size for size in SIZES_BYTES if size > arrived)
        found = f"{arrived:,} bytes arrive, {following:,} do not"
        return limited(
            "sizes", found, f"enough for records of {RECORD_BYTES:,}; a later version may ask for more"
        )
    return good("sizes", f"up to {arrived:,} bytes; a record has {RECORD_BYTES:,}")
