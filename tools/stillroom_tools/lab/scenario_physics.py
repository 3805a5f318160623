"""What makes readings hard, as tables of a scenario file: each key with unit, range and a source or stated assumption.

All of it is off where a table is not written. Shares are of the whole (0.05 = 5 %).
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

PerMinute = Annotated[float, Meta(ge=0.0, le=60.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Metres = Annotated[float, Meta(ge=-3.0, le=5.0)]


class Unrest(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody does who lies, sits or stands "still". Sizes are assumptions unless a source is named."""

    head_mm: Annotated[float, Meta(ge=0.0, le=50.0)] = 0.0
    """mm, standard deviation of a head that sways at 0.05-0.8 Hz, falling as 1 / f (quiet sitting: 2-6 mm, assumed)."""
    bed_mm: Annotated[float, Meta(ge=0.0, le=100.0)] = 0.0
    """mm, by which bed and body are shoved each time (somebody leans on it: 5-30 mm, assumed)."""
    bed_every_s: Annotated[float, Meta(ge=5.0, le=600.0)] = 20.0
    """s between shoves; the moment within is seeded."""
    talking: Share = 0.0
    """Share of the time spent talking, in bouts of 8 s: head 2 mm at 1-4 Hz, breaths a third shorter or longer."""
    coughs_per_min: PerMinute = 0.0
    """Fits of three jerks in 1.2 s: chest 12 mm, head 20 mm (assumed)."""
    hold_every_s: Annotated[float, Meta(ge=0.0, le=600.0)] = 0.0
    """s from the beginning of one breath-hold to the next; 0: none."""
    hold_s: Annotated[float, Meta(ge=0.0, le=120.0)] = 15.0
    """s of each hold: apnoea is counted from 10 s (AASM manual)."""
    breathing_ramp: Annotated[float, Meta(ge=-30.0, le=30.0)] = 0.0
    """Breaths a minute gained each minute, while the ramp lasts."""
    pulse_ramp: Annotated[float, Meta(ge=-60.0, le=60.0)] = 0.0
    """Beats a minute gained each minute, while the ramp lasts."""
    ramp_from_s: Annotated[float, Meta(ge=0.0, le=86_400.0)] = 30.0
    ramp_for_s: Annotated[float, Meta(ge=0.0, le=3600.0)] = 60.0


class Mains(Struct, frozen=True, forbid_unknown_fields=True):
    """Lamps that flicker at twice the mains frequency. Sampled by the frames it may alias into any band."""

    hz: Literal[50, 60] = 50
    depth: Share = 0.1
    """Half of peak to peak over mean: LED lamps 0-0.3, fluorescent 0.1-0.3 (IEEE 1789-2015 gives such ranges)."""
    off_hz: Annotated[float, Meta(ge=-0.5, le=0.5)] = 0.0
    """Hz, by which mains or the camera's clock are off; the mains stays within 0.2 Hz on a normal day."""
    exposure_ms: Annotated[float, Meta(ge=0.1, le=66.0)] = 5.0
    """ms; averages the flicker: at a multiple of half the mains period (10 ms at 50 Hz) nothing is left."""
    readout_ms: Annotated[float, Meta(ge=0.0, le=66.0)] = 20.0
    """ms from first row to last: a rolling shutter shows flicker as bands. Moving things are not skewed (left out:
    a walker moves 2 px meanwhile). 0: all rows at once."""


class Steps(Struct, frozen=True, forbid_unknown_fields=True):
    """Automatic exposure and white balance that step from one frame to the next (NOTES: several per cent)."""

    every_s: Annotated[float, Meta(ge=0.2, le=600.0)] = 15.0
    """s; the moment within is seeded."""
    exposure: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.04
    """Standard deviation of the exposure around its mean, as a share."""
    white_balance: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.03
    """The same of the gains of red and blue."""


class Timing(Struct, frozen=True, forbid_unknown_fields=True):
    """When frames are taken, and what their stamps say of it (assumptions: a loaded USB camera)."""

    jitter_ms: Annotated[float, Meta(ge=0.0, le=15.0)] = 0.0
    """ms, most by which a frame is taken early or late; its stamp tells the truth."""
    stamp_ms: Annotated[float, Meta(ge=0.0, le=15.0)] = 0.0
    """ms, most by which a stamp is wrong."""
    dropped: Annotated[float, Meta(ge=0.0, le=0.9)] = 0.0
    """Share of frames that never come."""


class Compression(Struct, frozen=True, forbid_unknown_fields=True):
    """A real encoder and decoder between camera and eye (FFmpeg's libx264). In the lab only: needs PyAV."""

    crf: Annotated[int, Meta(ge=0, le=51)] = 23
    """libx264's quality: 18 fine, 23 usual, 35 poor."""
    key_every_s: Annotated[float, Meta(ge=0.1, le=60.0)] = 2.0
    """s between key frames."""


class Second(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody else who is there all the time, breathes and has a pulse of his own."""

    place: Literal["beside-bed", "in-bed", "door"] = "beside-bed"
    skin: Literal["light", "medium", "dark", "very-dark"] = "medium"
    breaths_per_min: Annotated[float, Meta(ge=4.0, le=45.0)] = 20.0
    pulse_bpm: Annotated[float, Meta(ge=35.0, le=190.0)] = 85.0
    sway_mm: Annotated[float, Meta(ge=0.0, le=100.0)] = 8.0
    """mm, standard deviation at the head (quiet standing: 4-10 mm, assumed); 0 in bed."""


class Fan(Struct, frozen=True, forbid_unknown_fields=True):
    """A fan with three blades on the right side, turning, and swinging where `swing_s` is not 0."""

    rev_per_min: Annotated[float, Meta(ge=0.0, le=3000.0)] = 900.0
    swing_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 0.0
    """s for one swing to and fro (table fans: 8-15 s, which is a slow breath's rate)."""
    radius_m: Annotated[float, Meta(ge=0.05, le=1.0)] = 0.18


class Curtain(Struct, frozen=True, forbid_unknown_fields=True):
    """Folds before the window that a draught moves: each fold by a wave of its own, all of them by gusts.

    A gust reaches all folds at once and keeps to a band (assumed, the hard case: a draught passes along the folds, and
    its own spectrum is broad).
    """

    sway_mm: Annotated[float, Meta(ge=0.0, le=300.0)] = 30.0
    """mm, standard deviation at the lower hem."""
    sway_hz: Annotated[float, Meta(ge=0.02, le=2.0)] = 0.3
    """Hz, in the middle of the band in which it sways (a pendulum of 1 m: 0.4 to 0.5 Hz)."""
    spread: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.4
    """Width of that band as a share of its middle; 0: as regular as a clock, which no draught is."""


class Television(Struct, frozen=True, forbid_unknown_fields=True):
    """A screen on the back wall: scenes of 1.5-6 s, things that move in them, and its light on the room."""

    width_m: Annotated[float, Meta(ge=0.2, le=2.0)] = 1.0
    glow: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.06
    """Most that its light adds to the room's, as a share (a bright screen in a dim room: 0.05-0.3, assumed)."""
    glow_lux: Annotated[float, Meta(ge=0.0, le=50.0)] = 0.0
    """lux, in place of `glow` where it is not 0: most that it adds whatever else lights the room (a screen of 1 m over
    a bed 3 m away: 2-10, assumed); the screen itself is then as bright in the dark. Automatic exposure heeds the lamps
    alone (assumed)."""
