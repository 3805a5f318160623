"""Probes by the thousand through a level, and who was found: one frame each, and many frames at known places."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stillroom_tools.lab.scenario import Lens
from stillroom_tools.site.intruder.faces import Days, Floats
from stillroom_tools.site.intruder.found import TIMES_CHANCE, Row, best
from stillroom_tools.site.intruder.levels import Blurred, Level
from stillroom_tools.site.intruder.match import DAYS, Attacker, Gallery, Guesses, Score, most_hits
from stillroom_tools.site.intruder.optics import Optics
from stillroom_tools.site.intruder.shots import Luma, Shots
from stillroom_tools.site.intruder.sight import Sight

BATCH = 50
"""Probes whose frames are held at once."""
_EVERY_WAY_FROM = 4
"""Blocks from which on every way is tried: in smaller squares the first ways find nearly all, and the others
take hours."""
LEAST = 200
"""Probes with many frames that every level gets."""
LUCY_PROBES = 100
"""Of those with many frames: iterations over all of them take hours, and find less than the others do."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How much is tried. singles: probes of one frame, spread over `spots` places; series: probes of `frames`."""

    singles: int
    spots: int
    series: int
    frames: tuple[int, ...]
    figures: int = 16
    """Frames of a series of figures: each is sealed and opened, and nothing but noise could differ in more of them."""
    days_each: int = DAYS
    """On which the attacker has looked at each face of his gallery."""
    series_from: int = 12
    """Blocks from which on many frames are tried: smaller squares are broken in one."""


@dataclass(frozen=True)
class Scene:
    """One distance: the attacker's gallery, and the camera that his probes stand before."""

    gallery: Gallery
    optics: Optics
    shots: Shots

    @classmethod
    def at(cls, lens: Lens, distance_m: float, places: int, seed: int, gallery: Gallery) -> "Scene":
        optics = Optics(lens, distance_m, places, seed)
        return cls(gallery, optics, Shots(optics, seed + 2))

    def told(self, probes: Sequence[Floats], places: range, levels: Sequence[Level]) -> dict[str, Luma]:
        """By the level's name: (probes, places, rows, columns). One frame serves all levels."""
        kept: dict[str, list[Luma]] = defaultdict(list)
        for probe in probes:
            for place in places:
                clear = self.shots.clear(probe, place)
                for level in levels:
                    kept[level.name].append(level.told(clear))
        return {
            name: np.array(each).reshape(len(probes), len(places), *each[0].shape)
            for name, each in kept.items()
        }


def attack(scene: Scene, levels: Sequence[Level], effort: Effort, seed: int, tell: Tell) -> list[Row]:
    """A row for each level and count of frames."""
    rows = []
    scores = _singles(scene, levels, effort, Days(seed), tell)
    rows += [_row(scene, level, 1, scores[level.name]) for level in levels]
    many = [level for level in levels if level.block >= effort.series_from]
    if effort.series and many:
        found = _series(scene, many, effort, Days(seed + 1), tell)
        rows += [_row(scene, level, n, found[level.name, n]) for level in many for n in effort.frames]
    return rows


_Ways = dict[str, Score]


def _singles(
    scene: Scene, levels: Sequence[Level], effort: Effort, days: Days, tell: Tell
) -> dict[str, _Ways]:
    found: dict[str, _Ways] = defaultdict(dict)
    each = effort.singles // effort.spots
    for spot in range(effort.spots):
        tell(f"{scene.optics.distance_m:.2f} m, one frame: {spot * each} of {effort.singles} probes")
        places = range(spot, spot + 1)
        who, probes = _probes(scene, days, each)
        told = scene.told(probes, places, levels)
        for level in levels:
            attacker = _attacker(scene, level, places)
            _add(found[level.name], attacker.guesses(told[level.name], True), who)
    return found


def _series(
    scene: Scene, levels: Sequence[Level], effort: Effort, days: Days, tell: Tell
) -> dict[tuple[str, int], _Ways]:
    """A level that can no longer keep the bound, whatever comes, is not tried on."""
    found: dict[tuple[str, int], _Ways] = defaultdict(dict)
    attackers = {
        (level.name, n): _attacker(scene, level, range(n)) for level in levels for n in effort.frames
    }
    lost = most_hits(effort.series, TIMES_CHANCE / len(scene.gallery.photographs))
    for done in range(0, effort.series, BATCH):
        tell(f"{scene.optics.distance_m:.2f} m, many frames: {done} of {effort.series} probes")
        going = [level for level in levels if done < LEAST or not _is_lost(found, level, effort, lost)]
        who, probes = _probes(scene, days, min(BATCH, effort.series - done))
        told = scene.told(probes, range(max(effort.frames)), going) if going else {}
        for level in going:
            for n in effort.frames:
                part = told[level.name][:, :n]
                guesses = attackers[level.name, n].guesses(part, done < LUCY_PROBES)
                _add(found[level.name, n], guesses, who)
    return found


def _is_lost(found: dict[tuple[str, int], _Ways], level: Level, effort: Effort, lost: int) -> bool:
    return all(max(score.hits for score in found[level.name, n].values()) > lost for n in effort.frames)


def _probes(scene: Scene, days: Days, count: int) -> tuple[Guesses, list[Floats]]:
    who = days.who(len(scene.gallery.photographs), count)
    return who, [days.of(scene.gallery.photographs[each]) for each in who]


def _attacker(scene: Scene, level: Level, places: range) -> Attacker:
    every_way = level.block >= _EVERY_WAY_FROM or isinstance(level, Blurred)
    return Attacker(scene.gallery, Sight(scene.optics, level, places), every_way)


def _add(ways: _Ways, guesses: Iterator[tuple[str, Guesses]], who: Guesses) -> None:
    for way, guessed in guesses:
        ways[way] = ways.get(way, Score(0, 0)) + Score(int((guessed == who).sum()), len(who))


def _row(scene: Scene, level: Level, frames: int, ways: _Ways) -> Row:
    way, score = best(ways)
    return Row(
        level=level.name,
        block=level.block,
        steps=level.steps,
        distance_m=round(scene.optics.distance_m, 2),
        face_squares=scene.optics.face_px / level.block,
        frames=frames,
        probes=score.probes,
        way=way,
        rank1=score.rank1,
        most=score.most,
        ways={name: each.rank1 for name, each in ways.items()},
    )
