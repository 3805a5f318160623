"""Figures beside their limits: each becomes one check, passed, failed or not tested, with how far inside the limit."""

from collections.abc import Iterator

from stillroom.link import Guarded
from stillroom.machine import Card, Found
from stillroom.phantom import Phantom, judged
from stillroom.selftest_forms import CAMERA, Check
from stillroom.selftest_limits import SelfTestLimits
from stillroom.selftest_link import Kernel, Look, Models, Soaked


def at_most(check: str, value: float, limit: float, unit: str, why: str = "") -> Check:
    """Passed where the value is not more."""
    return _row(check, value, unit, f"at most {limit:g}", limit - value, why)


def at_least(check: str, value: float, limit: float, unit: str, why: str = "") -> Check:
    """Passed where the value is not less."""
    return _row(check, value, unit, f"at least {limit:g}", value - limit, why)


def between(check: str, value: float, least: float, most: float, unit: str, why: str = "") -> Check:
    """Passed where the value is neither less nor more."""
    return _row(check, value, unit, f"{least:g} to {most:g}", min(value - least, most - value), why)


def is_so(check: str, value: str, limit: str, so: bool, why: str = "") -> Check:
    """Yes or no."""
    return Check(check, value[:80], "", limit[:80], None, so, "" if so else why[:240])


def not_tested(check: str, why: str, limit: str = "") -> Check:
    """It cannot be measured here, and why."""
    return Check(check, None, "", limit[:80], None, None, why[:240])


def _row(check: str, value: float, unit: str, limit: str, margin: float, why: str) -> Check:
    passed = margin >= 0
    return Check(check, _short(value), unit, limit, _short(margin), passed, "" if passed else why[:240])


def _short(value: float) -> float:
    """Four digits, and nothing below a millionth: no limit is so fine."""
    return float(f"{round(value, 6):.4g}")


def found(check: str, what: Found, limit: float, unit: str) -> Check:
    """At most so much, of what the machine may not tell."""
    return (
        not_tested(check, what.why)
        if what.value is None
        else at_most(check, what.value, limit, unit, what.why)
    )


OF_A_CAMERA = (
    "camera",
    "camera-start",
    "exposure",
    "clipped",
    "gain",
    "infrared",
    "frame-rate",
    "drops",
    "jitter",
)
"""Checks that need a camera that may be opened; `focus` and readings need something in front of it too."""


def of_no_camera(why: str, limits: SelfTestLimits, rest: str = "the camera was not open") -> Iterator[Check]:
    """All of them, where it may not be opened: the first says why, in full; the others `rest`."""
    for check in (*OF_A_CAMERA, "focus", "breathing", "pulse"):
        if check != "infrared" or limits.infrared.wanted:
            yield not_tested(check, why if check == CAMERA else rest)


def of_a_dead_camera(why: str, limits: SelfTestLimits) -> Iterator[Check]:
    """It may be opened, and gives no frames: that is what failed; of the rest nothing is known."""
    yield is_so(CAMERA, "none", "there", False, why)
    rest = of_no_camera(why, limits, "the camera gave no frames")
    yield from (one for one in rest if one.check != CAMERA)


def of_look(look: Look, limits: SelfTestLimits, phantom: Phantom | None, unread: str = "") -> Iterator[Check]:
    """All checks of a camera. unread: why a phantom's rates were not read."""
    yield _named(look, limits.camera.model)
    yield at_most(
        "camera-start", look.first_frame_s, limits.camera.first_frame_s, "s", "the first frame came late"
    )
    yield _focus(look, limits)
    yield from _light(look, limits, phantom is not None and phantom.infrared)
    frames = limits.frames
    off = abs(look.pace_hz / look.expected_hz - 1.0) if look.expected_hz else 1.0
    wanted = f"{look.pace_hz:.2f} Hz, {look.expected_hz:g} were asked for"
    yield at_most("frame-rate", off, frames.rate_off, "share off", wanted)
    yield at_most("drops", look.dropped, frames.dropped_most, "share", "frames are missing")
    yield at_most("jitter", look.jitter_ms, frames.jitter_ms_most, "ms", "frames are early or late")
    yield from _readings(look, phantom, unread)


def _named(look: Look, wanted: str) -> Check:
    if look.still:
        return is_so(
            "camera", look.model or "no name", "a picture that lives", False, "every frame is the same"
        )
    if not look.model:
        return is_so("camera", "no name", wanted or "a name", False, "the camera does not say what it is")
    so = wanted in ("", look.model)
    return is_so("camera", look.model, wanted or "any that has a name", so, f"another camera than '{wanted}'")


def _focus(look: Look, limits: SelfTestLimits) -> Check:
    if look.sharpness is None:
        return not_tested("focus", look.sharpness_why)
    why = look.sharpness_why or "the chart's edge is not sharp"
    return at_least("focus", look.sharpness, limits.picture.sharpness_least, "cycles/px", why)


def _light(look: Look, limits: SelfTestLimits, infrared: bool) -> Iterator[Check]:
    """Where the stand is dark but for the unit's own light, that is held to limits of its own."""
    picture, dark = limits.picture, limits.infrared
    least = min(dark.luma_least, picture.luma_least) if infrared else picture.luma_least
    gain = dark.gain_most if infrared else picture.gain_most
    yield between("exposure", look.luma, least, picture.luma_most, "counts", "too dark or too bright")
    yield at_most("clipped", look.clipped, picture.clipped_most, "share", "too much of it is black or white")
    if look.gain is None:
        yield not_tested("gain", "the camera does not say with which gain it takes a frame")
    else:
        yield at_most("gain", look.gain, gain, "times", "it is too dark, or the lens takes too little light")
    if not dark.wanted:
        return
    if infrared:
        yield at_least(
            "infrared", look.luma, dark.luma_least, "counts", "the unit's own light shows too little"
        )
    else:
        yield not_tested("infrared", "the stand is not dark: a phantom with infrared = true says that it is")


def _readings(look: Look, phantom: Phantom | None, unread: str) -> Iterator[Check]:
    rates = phantom.rates if phantom else {}
    for check, name, values, withheld in (
        ("breathing", "breaths_per_min", look.breaths, look.withheld[0]),
        ("pulse", "pulse_bpm", look.pulse, look.withheld[1]),
    ):
        if name not in rates or unread:
            nothing = "no phantom of a known rate stands in front of the camera: --phantom FILE"
            yield not_tested(check, unread or nothing)
            continue
        rate = rates[name]
        of = judged(name, rate, values, withheld)
        limit = f"near {rate:g}" if rate else "nothing"
        value = None if of.read is None else float(f"{of.read:.4g}")
        shown = "none" if value is None else value
        yield Check(check, shown, "/min", limit, None, of.passed, "" if of.passed else of.why[:240])


def of_kernel(kernels: list[Kernel]) -> Check:
    compared, differ = sum(k.compared for k in kernels), sum(k.differ for k in kernels)
    why = f"of {compared} values that were compared"
    return (
        at_most("kernel", differ, 0, "values", why)
        if compared
        else not_tested("kernel", "nothing was compared")
    )


def of_models(models: Models, limits: SelfTestLimits) -> Iterator[Check]:
    if models.absent:
        yield not_tested("models", models.absent)
        yield not_tested("inference", models.absent)
        return
    yield is_so("models", f"{len(models.sha256)} of 3", "3 right hashes", not models.wrong, models.wrong)
    if models.look_ms is None:
        yield not_tested("inference", "the models could not be loaded")
    else:
        most = limits.models.look_ms_most
        yield at_most("inference", models.look_ms, most, "ms", "the models look too slowly")


def of_clock(off_s: Found, limits: SelfTestLimits) -> Check:
    if off_s.value is not None and off_s.value < 0:
        return Check(
            "clock", _short(off_s.value), "s", "not before its program", _short(off_s.value), False, off_s.why
        )
    return found("clock", Found(off_s.value, off_s.why or "too far off"), limits.clock.off_s_most, "s")


def of_card(card: Card, wear: Found, overwritten: Found, limits: SelfTestLimits) -> Iterator[Check]:
    least, flush = limits.card.write_mb_per_s_least, limits.card.flush_ms_most
    yield at_least("card-write", card.mb_per_s, least, "MB/s", "the card writes too slowly")
    yield at_most("card-flush", card.flush_ms, flush, "ms", "the card takes too long to have a page")
    if wear.value is not None:
        yield at_most("card-wear", wear.value, limits.card.wear_most, "share", "the card is worn")
    else:
        told = Found(overwritten.value, overwritten.why or "so much was written to it already")
        yield found("card-wear", told, limits.card.overwritten_most, "times written")


def of_throttling(before: Found, after: Found) -> Check:
    """A Pi tells it since its start, and that counts; other boards count, and what was before the test does not."""
    if after.value is None:
        return not_tested("throttling", after.why)
    past = 0.0 if after.why else before.value or 0.0
    return at_most("throttling", after.value - past, 0, "times", after.why or "the board had to slow down")


def of_guards(held: dict[str, Guarded | str], profile: str, required: tuple[str, ...]) -> Check:
    """held: process to its guards, or why it would not go on. With profile `lab` none is required."""
    missing = [f"{name}: {rows}" for name, rows in held.items() if isinstance(rows, str)]
    missing += [
        f"{name}: {row.name} ({row.why})"
        for name, rows in held.items()
        if isinstance(rows, Guarded)
        for row in rows.rows
        if not row.held and row.name in required
    ]
    words = "; ".join(missing)
    if missing and profile != "care" and not any(isinstance(rows, str) for rows in held.values()):
        return not_tested("guards", f"profile 'lab' goes on without: {words}")
    return at_most("guards", len(missing), 0, "missing", words)


def of_soak(
    soaked: Soaked | None, hottest: Found, expected_hz: float, limits: SelfTestLimits
) -> Iterator[Check]:
    """None: it broke off."""
    if soaked is None:
        for check in ("soak-rate", "soak-drops", "soak-drift", "soak-memory"):
            yield is_so(check, "none", "the whole time", False, "the soak broke off")
    else:
        off = abs(soaked.pace_hz / expected_hz - 1.0)
        yield at_most(
            "soak-rate", off, limits.soak.rate_off, "share off", f"{soaked.pace_hz:.2f} Hz on the whole"
        )
        yield at_most("soak-drops", soaked.dropped, limits.soak.dropped_most, "share", "frames are missing")
        if soaked.drift_ppm is None:
            yield not_tested("soak-drift", "too short: a tenth of the time must be a minute")
        else:
            drift, most = abs(soaked.drift_ppm), limits.soak.drift_ppm_most
            yield at_most("soak-drift", drift, most, "ppm", "the pace of its frames changes")
        if soaked.grown_mb is None:
            yield not_tested("soak-memory", "too short to tell")
        else:
            grown, most = soaked.grown_mb, limits.soak.memory_mb_most
            yield at_most("soak-memory", grown, most, "MB", "the camera's process grows")
    yield found("soak-heat", hottest, limits.soak.celsius_most, "C")
