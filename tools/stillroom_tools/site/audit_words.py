"""An audit chain in words, a line for each link."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from stillroom.document_forms import from_ms
from stillroom.public_keys import VerifyKey, fingerprint
from stillroom.status import GUARDS
from stillroom_tools.site import audit_releases
from stillroom_tools.site.audit_facts import time_of
from stillroom_tools.site.audit_file import Head, Link, missing
from stillroom_tools.site.audit_keys import Keys
from stillroom_tools.site.audit_part import Part

LAST_MS = 253_402_300_799_000
"""The end of the year 9999: what no clock says is not printed as if one had."""
_GATES = {
    "open": "The camera was allowed to be on",
    "paused": "The camera was off: somebody had paused it",
    "halted": "The camera was off: the facility had halted it",
    "safe-mode": "The camera was off: the unit had failed ten times in a row",
    "withdrawn": "The camera was off: the authorisation had been taken back",
    "expired": "The camera was off: the authorisation had ended",
    "review-overdue": "The camera was off: nobody had reviewed the authorisation in time",
    "no-authorisation": "The camera was off: nobody had authorised it",
    "not-yet-valid": "The camera was off: the authorisation had not begun",
    "clock-unsure": "The camera was off: the clock could not be believed",
    "camera-refused": "The camera was off: it could not be used",
    "camera-moved": "The camera was off: it had been moved, and nobody had accepted what it looks at now",
    "indicator-fault": "The camera was off: its light did not work",
}


_PASSED = {"yes": "passed", "no": "did not pass"}


def whole(head: Head, links: Sequence[Link]) -> str:
    """One line: the chain is whole, and how far it goes."""
    erased = sum(link.erased for link in links)
    return (
        f"whole: {len(links)} links of unit '{head.unit}' of site '{head.site}', from {when(links[0])} to "
        f"{when(links[-1])} UTC, each signed by this unit"
        + "".join(_keys_before(Keys.of(links, VerifyKey(bytes.fromhex(head.key)))))
        + (f"; {erased} erased" if erased else "")
        + "".join(f"; {damaged(first, last)}" for first, last in missing(links))
        + f"; whether later ones were cut off, only a later head can tell: the newest here is {links[-1].head}"
    )


def _keys_before(keys: Keys) -> Iterator[str]:
    """A newer key vouches for the links of one before: whoever has it alone could have made that one up."""
    for (_, key), (last, _) in itertools.pairwise(keys.since):
        yield (
            f"; up to link {last} with its key before, {key.fingerprint}: compare with the label before, or give the "
            "heads told (--heads)"
        )


def damaged(first: int, last: int) -> str:
    """What a damaged card has cost, as far as anybody knows."""
    return f"the unit says, signed, that its storage was damaged: what links {first} to {last} said may be missing"


def text(head: Head, part: Part, wrong: str | None = None) -> str:
    """A line for each link. wrong: what is, where the chain is not whole."""
    if wrong is None:
        return "\n".join([whole(head, part.links), *lines(part.links)])
    shown = [f"not whole: {wrong}", *not_whole(part), *lines(part.links)]
    for title, branch in branches(part):
        shown += [title, *lines(branch)]
    return "\n".join(shown)


def not_whole(part: Part) -> list[str]:
    """What of the chain verifies, and what does not; a sentence each."""
    last, count = part.links[-1].index, len(part.branches)
    said = [f"Links 1 to {last} verify, {when(part.links[0])} to {when(part.links[-1])} UTC."]
    if count:
        said.append(
            f"The chain forks after link {last}: {count} chains follow, and each is signed by this unit: its card was "
            "put back from a copy, or its key was copied. Which of them tells what happened, the record cannot say."
        )
    if part.rest:
        said.append(
            f"{part.rest} more {'link follows' if part.rest == 1 else 'links follow'} from none of these."
        )
    return said


def branches(part: Part) -> list[tuple[str, list[Link]]]:
    """Each chain behind a fork, with a title."""
    count = len(part.branches)
    return [
        (f"Behind the fork, {n} of {count}: links {branch[0].index} to {branch[-1].index}", branch)
        for n, branch in enumerate(part.branches, 1)
    ]


def lines(links: Sequence[Link]) -> list[str]:
    return [f"{when(link):<22} {words(link)}" for link in links]


def words(link: Link) -> str:
    """What a link says, in plain words; codes that are not known here as they stand."""
    if link.erased:
        return "(erased; that it was there is still shown by the chain)"
    said = link.said()
    what = str(said.get("what", "unknown"))
    if what == "gate":
        return _gate(said)
    plain = {
        "start": f"The unit was switched on (its start number {said.get('boot')})",
        "storage-damaged": (
            f"The unit's storage was found damaged ({said.get('found')}): what happened just before may be missing"
        ),
        "stop": "The unit was switched off in good order",
        "camera-opened": f"The camera was opened ({said.get('camera')})",
        "lease": _lease(said),
        "camera-closed": "The camera was closed",
        "camera-moved": "The camera was moved",
        "view-accepted": "Somebody accepted what the camera looks at",
        "camera-settings": f"The camera was set up for the {said.get('profile')}",
        "paused-by-button": f"Somebody in the room pressed pause, for {_minutes(said.get('seconds'))}",
        "resumed-by-button": "Somebody in the room ended the pause",
        "authorisation-seen": (
            f"An authorisation was accepted ({said.get('authorisation')}: {said.get('scopes')}; "
            f"until {time(said.get('until'))})"
        ),
        "documents-refused": f"{said.get('more')} more documents were refused at once",
        "withdrawal-seen": f"An authorisation was taken back ({said.get('authorisation')})",
        "document-refused": f"A document was refused: {said.get('file')}: {said.get('reason')}",
        "paused-by-command": f"{said.get('by')} paused the camera from afar, until {time(said.get('until'))}",
        "resumed-by-command": f"{said.get('by')} ended the pause from afar",
        "withdrawals-forgotten": (
            "The unit's storage had lost what was taken back before: it believed nothing that was signed before that"
        ),
        "halt-seen": f"The facility halted the camera ({said.get('halt')})",
        "lift-seen": f"The facility lifted a halt ({said.get('halt')})",
        "acknowledged": f"{said.get('by')} confirmed having seen entry {said.get('entry')}",
        "view-refused": (
            f"{said.get('by')} asked to look into the room ({said.get('level')}, because: {said.get('reason')}) "
            f"and was refused: {said.get('why')}"
        ),
        "eye-refused": (
            f"The camera's process did not believe what was signed for a {said.get('of')}, and did nothing of it: "
            f"{said.get('why')}"
        ),
        "view-granted": (
            f"{said.get('by')} was let look into the room for {said.get('seconds')} s ({said.get('level')}, because: "
            f"{said.get('reason')}); the light showed it first"
        ),
        "view-ended": f"The look of {said.get('by')} was over after {said.get('frames')} frames ({_end(said)})",
        "view-policy-changed": f"Other rules for looks are in force (version {said.get('version')})",
        "configuration-changed": _configured(said),
        "configuration-kept": f"The unit's settings were kept after a trial (version {said.get('version')})",
        "configuration-rolled-back": (
            f"The unit went back to its settings before version {said.get('version')}: {said.get('reason')}"
        ),
        "guards": _guards(said),
        "keys-rotated": f"The unit was given new keys; their fingerprint is {_fingerprint(said.get('key'))}",
        "self-test": f"The unit tested itself, which it {_PASSED.get(str(said.get('passed')), 'ended')}",
        "command": _command(said),
        "roster-replaced": f"The list of who may receive was replaced (version {said.get('version')})",
    }
    return (
        plain.get(what)
        or audit_releases.sentence(said)
        or ascii(", ".join(f"{k} {v}" for k, v in said.items()))[1:-1]
    )


def _fingerprint(key: object) -> str:
    """Of a key in hexadecimal, as a label has it."""
    try:
        return fingerprint(bytes.fromhex(str(key)))
    except ValueError:
        return "not known"


def _end(said: dict[str, Any]) -> str:
    """How a look ended; `over`: by itself."""
    how = str(said.get("how"))
    return "by itself" if how == "over" else f"early: {how.replace('-', ' ')}"


def _configured(said: dict[str, Any]) -> str:
    """Its room may have been given another name, too: then it goes by other conditions."""
    where = f", in room {said['room']}" if "room" in said else ""
    return f"The unit's settings were changed from afar (version {said.get('version')}{where})"


def _minutes(seconds: object) -> str:
    return f"{seconds / 60:g} minutes" if isinstance(seconds, int) else "a time that is not known"


def _gate(said: dict[str, Any]) -> str:
    reason = str(said.get("gate"))
    sentence = _GATES.get(reason, f"The camera was off: {reason}")
    name = said.get("authorisation")
    return f"{sentence}, under authorisation {name}" if reason == "open" else sentence


def _lease(said: dict[str, Any]) -> str:
    since = said.get("since_ms")
    begun = f" since {moment(since)}" if isinstance(since, int) and since >= 0 else ""
    return f"The camera was still open{begun}, at this moment under authorisation {said.get('authorisation')}"


def _guards(said: dict[str, Any]) -> str:
    process = {"eye": "with the camera", "courier": "with the network", "keeper": "that decides"}
    which = process.get(str(said.get("process")), f"'{said.get('process')}'")
    missing_ones = str(said.get("missing"))
    if missing_ones == "none":
        return f"The part {which} was locked in, with every guard"
    names = ", ".join(GUARDS.get(name, name) for name in missing_ones.split())
    return f"The part {which} was locked in without these guards: {names}"


def _command(said: dict[str, Any]) -> str:
    kind, name = str(said.get("kind")), said.get("document")
    what = f"{kind} {name}" if name and name != "none" else kind
    outcome = str(said.get("outcome"))
    done = "was carried out" if outcome == "done" else f"was refused: {outcome}"
    more = f"; {said['more']} more came in vain before it" if "more" in said else ""
    return f"An order came from afar ({what}) and {done}{more}"


def time(text: object) -> str:
    """A time in a body, as all others are written; as it stands where it is none."""
    found = time_of(text, -1)
    return moment(found) if found >= 0 else str(text)


def moment(utc_ms: int) -> str:
    """`25 Nov 2026, 16:32:45`"""
    return f"{from_ms(min(utc_ms, LAST_MS)):%-d %b %Y, %H:%M:%S}"


def when(link: Link) -> str:
    return moment(link.at_ms)
