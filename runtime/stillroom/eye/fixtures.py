"""What a model fires on although nothing agrees: pictures on the wall, coats, chairs.

Known at once where the empty room is known, else after ten minutes, in which a sleeper would have breathed or moved.
"""

from dataclasses import dataclass

from stillroom.eye.agreement import Agreement
from stillroom.eye.detect import Body
from stillroom.eye.track import away_px, is_weak, worth
from stillroom.observation import Box

FIXTURE_PLACE, FIXTURE_SIZE = 0.04, 0.08
SUSPECT_S = 21.0
"""Two looks into a still room."""
SUSPECTED = 2
"""Looks that found it in one place before it counts for more than an error."""
MOST_FIXTURES = 8
FIXTURE_S = 600.0
"""Fired on for so long without any agreement: a sleeper would have breathed or moved."""


@dataclass(slots=True)
class Fixture:
    """What a model fires on although nothing agrees: a picture on the wall once it is `known`, until then a suspect."""

    body: Body
    since_s: float
    seen_s: float
    known: bool = False
    times: int = 1


class Fixtures:
    """A few of them, the newest ones."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._all: list[Fixture] = []

    def suspects(self, now_s: float) -> list[float]:
        """How much one look says for each that was seen lately and is not known: of corners next to nothing.

        It is the same look again and again: what does not move looks alike.
        """
        return [
            worth(each.body.score) for each in self._all if not each.known and now_s - each.seen_s < SUSPECT_S
        ]

    def forget(self, body: Body) -> None:
        """Somebody is believed there: what was suspected was he."""
        self._all = [each for each in self._all if each.known or not alike(body, each.body)]

    def note(self, body: Body, now_s: float) -> None:
        """Something that looks like a person, and nothing agrees. Known at once where it belongs to the empty room."""
        found = next((each for each in self._all if alike(body, each.body)), None)
        if found is None:
            found = Fixture(body, now_s, now_s)
            self._all = [*self._all[-(MOST_FIXTURES - 1) :], found]
        else:
            found.times += 1
        found.seen_s = now_s
        found.known |= self._agreement.knows_room or now_s - found.since_s >= FIXTURE_S

    def seen_again(self, body: Body) -> None:
        """In its place, while something moves there: light, or whoever passes. What hardly looks like a person and is
        found alike again does not move with him.
        """
        if is_weak(body):
            for each in self._all:
                each.times += alike(body, each.body)

    def is_only(self, body: Body, box: Box) -> bool:
        """It is a known one, and nobody breathes there; or a suspect, and what moves there only passes before it."""
        known = any(each.known and alike(body, each.body) for each in self._all)
        passed = self.suspects_in(body, box) and self._agreement.passes(box)
        return (known or passed) and not self._agreement.breathes(box)

    def suspects_in(self, body: Body, box: Box) -> bool:
        """It was found there before, more than once, and nothing agreed: who stands before it now is somebody else.

        What breathes there is no thing: a sleeper is placed in one way by a wide look, and in another by a close one.
        But a rhythm is told until some seconds after who breathed there has gone: it makes nobody of a corner that
        hardly looks like one.
        """
        suspect = any(
            each.times >= SUSPECTED and not each.known and alike(body, each.body) for each in self._all
        )
        return suspect and (is_weak(body) or not self._agreement.breathes(box))


def alike(body: Body, other: Body) -> bool:
    """At the same place and of the same size, as only what never moves is."""
    size = max(body.radius_px, other.radius_px)
    away = away_px(body, other)
    return away < FIXTURE_PLACE * size and abs(body.radius_px - other.radius_px) < FIXTURE_SIZE * size
