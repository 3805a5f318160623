"""What the attacks must break: where one of these stands, the attacker is too weak and the suite proves nothing."""

from dataclasses import replace

from stillroom_tools.site.intruder.attack import Effort, Scene, Tell, attack
from stillroom_tools.site.intruder.faces import Days
from stillroom_tools.site.intruder.figure import Album, Figures, leaky
from stillroom_tools.site.intruder.found import Control, Gain, Row
from stillroom_tools.site.intruder.gains import gains
from stillroom_tools.site.intruder.levels import Blurred, Squares

BLUR = Blurred(4.0)
PLAIN = Squares(16, greys=256)
"""Squares as they would be without their few greys."""
FOUND = 0.8
WAYS = {"Wiener": 0.3, "Richardson-Lucy": 0.2, "squares, alike": 0.2}
"""Of a hundred faces through the blur, by each way alone."""
GAINED_DB, GAINED_PAIRS = 3.0, 1.0
LEAKED = 0.1


def controls(scene: Scene, effort: Effort, seed: int, tell: Tell) -> list[Control]:
    """Clear and blurred pictures, plain squares moved about, and a figure that leaks."""
    few = replace(effort, singles=max(64, effort.singles // 10), spots=2, series=min(effort.series, 50))
    rows = {(r.level, r.frames): r for r in attack(scene, [Squares(1), BLUR, PLAIN], few, seed, tell)}
    clear, blur = rows["clear", 1], rows[BLUR.name, 1]
    found = [_names(clear), _names(blur)]
    found += [_way(blur, way, least) for way, least in WAYS.items()]
    found.append(_names(rows[PLAIN.name, max(effort.frames)]))
    found += _gained(gains(scene, [PLAIN], max(effort.frames), 8, seed)[0])
    found.append(_leak(scene, 32, seed))
    return found


def _names(row: Row) -> Control:
    frames = "one frame" if row.frames == 1 else f"{row.frames} frames"
    return Control(
        f"{row.level}, {frames}", f"at least {FOUND:.0%} named", f"{row.rank1:.0%}", row.rank1 >= FOUND
    )


def _way(row: Row, way: str, least: float) -> Control:
    found = row.ways[way]
    return Control(
        f"{row.level}, by {way} alone", f"at least {least:.0%} named", f"{found:.0%}", found >= least
    )


def _gained(gain: Gain) -> list[Control]:
    pairs = gain.many_pairs - gain.one_pairs
    name = f"{gain.level}, {gain.frames} frames against one"
    return [
        Control(name, f"at least {GAINED_DB:g} dB", f"{gain.gain_db:.1f} dB", gain.gain_db >= GAINED_DB),
        Control(name, f"at least {GAINED_PAIRS:g} line pairs a face", f"{pairs:.1f}", pairs >= GAINED_PAIRS),
    ]


def _leak(scene: Scene, probes: int, seed: int) -> Control:
    figures, days = Figures(scene, seed), Days(seed)
    known, faces = scene.gallery.faces, scene.gallery.photographs
    album = Album([leaky(figures, scene, face, who, 0) for who, face in enumerate(known)])
    who = days.who(len(known), probes)
    seen = (leaky(figures, scene, days.of(faces[each]), int(each), 0) for each in who)
    hits = sum(album.nearest(one, days) == each for one, each in zip(seen, who, strict=True))
    share = hits / probes
    return Control(
        "a figure through which a tenth of the picture shows",
        f"at least {LEAKED:.0%} named",
        f"{share:.0%}",
        bool(share >= LEAKED),
    )
