"""Who may say and hear what: a unit its own two topics, nobody else anything of it, a stranger nothing at all.

A broker of MQTT 3.1.1 acknowledges what it then drops, so what counts is what arrives: something that is allowed is
said after what should not be, and once that has come, the other has either come too or will not.
"""

import secrets
from collections.abc import Iterator

from stillroom_tools.site.connect.findings import Finding, good, limited, not_tried
from stillroom_tools.site.connect.probe import Probe, Refused
from stillroom_tools.site.connect.ways import NEIGHBOUR, Ways

STRAY_S = 0.3
"""Two messages of one sender on two topics need not come in their order: how long a stray one may take."""
CROWDS = "what it says is refused by its signature, but it can crowd out others"
SEES = "records are sealed, but who reads them sees when a unit is on, and that it is there"


def rights(ways: Ways, v5: bool) -> Iterator[Finding]:
    """A line for each right that nobody should have, or one for all where they cannot be told apart."""
    if not ways.told_apart:
        found = "one login for everybody" if ways.gateway.broker.username else "nobody needs a login"
        yield limited(
            "acl", found, f"units cannot be kept apart: any may say anything as any other; {CROWDS}"
        )
    else:
        yield _says_as_another(ways, v5)
        yield _commands(ways, v5)
        yield from _overhears(ways, v5)
    if ways.told_apart or ways.gateway.broker.username:
        yield _stranger(ways, v5)
    if ways.board:
        yield _board(ways, v5)


def _other(ways: Ways) -> str:
    return ways.neighbour.name if ways.neighbour else NEIGHBOUR


def _says_as_another(ways: Ways, v5: bool) -> Finding:
    unit, other = ways.unit.name, _other(ways)
    stray, marker = secrets.token_bytes(32), secrets.token_bytes(32)
    with Probe(ways.gateway, ways.site, v5=v5) as gateway, Probe(ways.unit, ways.site, v5=v5) as sayer:
        gateway.hear(ways.all_up)
        sayer.say(ways.topic(other, "up"), stray)
        if sayer.closed is None and sayer.say(ways.topic(unit, "up"), marker):
            gateway.take(marker)
        if gateway.take(stray, STRAY_S):
            return limited("acl up", f"unit '{unit}' may say things as '{other}'", CROWDS)
    return good("acl up", "a unit may say things as itself alone")


def _commands(ways: Ways, v5: bool) -> Finding:
    """A unit that speaks as the gateway, to itself: heard where both its topics are open to it."""
    down, stray = ways.topic(ways.unit.name, "down"), secrets.token_bytes(32)
    with Probe(ways.unit, ways.site, v5=v5) as hearer, Probe(ways.unit, ways.site, v5=v5) as sayer:
        hearer.hear(down)
        sayer.say(down, stray)
        _gateway_marks(ways, v5, hearer)
        if hearer.take(stray, STRAY_S):
            return limited("acl down", "a unit may speak as the gateway", CROWDS)
    return good("acl down", "no unit may speak as the gateway")


def _overhears(ways: Ways, v5: bool) -> Iterator[Finding]:
    unit, other = ways.unit.name, _other(ways)
    for what, pattern, said_on in (
        ("down", ways.topic(other, "down"), ways.topic(other, "down")),
        ("up", ways.everything, ways.topic(other, "up")),
    ):
        sayer_way = ways.gateway if what == "down" else ways.neighbour
        check = f"acl {what} read"
        if sayer_way is None:
            yield not_tried(
                check, "whether a unit hears what others say", "there is no second unit to try it with"
            )
            continue
        with Probe(ways.unit, ways.site, v5=v5) as hearer, Probe(sayer_way, ways.site, v5=v5) as sayer:
            hearer.hear(pattern)
            if hearer.closed is None:
                hearer.hear(ways.topic(unit, "down"))
            said = secrets.token_bytes(32)
            sayer.say(said_on, said)
            _gateway_marks(ways, v5, hearer)
            overheard = hearer.take(said, STRAY_S) is not None
        if overheard:
            yield limited(check, f"unit '{unit}' hears {said_on}, which is another's", SEES)
        else:
            yield good(check, f"a unit does not hear {said_on.replace(other, 'ANOTHER')}")


def _gateway_marks(ways: Ways, v5: bool, hearer: Probe) -> None:
    """The gateway says something that the hearer may hear, and it is waited for."""
    marker = secrets.token_bytes(32)
    with Probe(ways.gateway, ways.site, v5=v5) as gateway:
        gateway.say(ways.topic(ways.unit.name, "down"), marker)
    hearer.take(marker)


def _stranger(ways: Ways, v5: bool) -> Finding:
    """Somebody without certificate and login."""
    try:
        with Probe(ways.stranger, ways.site, v5=v5) as stranger, Probe(ways.unit, ways.site, v5=v5) as unit:
            said = secrets.token_bytes(32)
            stranger.hear("#")
            if stranger.closed is None:
                stranger.hear(ways.all_up)
            unit.say(ways.topic(ways.unit.name, "up"), said)
            if stranger.take(said, STRAY_S):
                return limited("stranger", "who has no login hears what units say", SEES)
    except Refused:
        return good("stranger", "who has no login is not let in")
    return limited(
        "stranger", "who has no login is let in, and hears nothing of units", "it can crowd out others"
    )


def _board(ways: Ways, v5: bool) -> Finding:
    assert ways.board is not None
    for way, means in (
        ("up", "`stillroom site watch` and the board show nothing: allow it in the ACL"),
        ("view", "nobody sees a view that he asked for: allow it in the ACL, for units and for the board"),
    ):
        with Probe(ways.board, ways.site, v5=v5) as board, Probe(ways.unit, ways.site, v5=v5) as unit:
            said = secrets.token_bytes(32)
            granted = board.hear(ways.topic("+", way))
            unit.say(ways.topic(ways.unit.name, way), said)
            if not granted or board.take(said) is None:
                return limited("board", f"the board does not hear what units say on .../{way}", means)
    return good("board", "the board hears what units say, and views")
