"""`stillroom selftest`: is this unit fit? Each thing with its value, its limit and how far inside; signed by the unit.

The unit must not be running. What cannot be measured here is `not tested`, with the reason; with profile `care` that is
not passed. Whether the camera may be opened at all is in `selftest_leave.py`.
"""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from stillroom import config, guard, selftest_guards, selftest_judge, selftest_panel, software
from stillroom.clock import SystemClock
from stillroom.config import UnitConfig
from stillroom.document_forms import now
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.files import lock_folder, replace_file
from stillroom.keeper.indicator import Indicator, opener
from stillroom.keeper.own_keys import own_keys
from stillroom.keys import KeyRing
from stillroom.machine import Found, Machine
from stillroom.phantom import Phantom, load_phantom
from stillroom.run import find_opener
from stillroom.selftest_camera import CameraProcess, Seen
from stillroom.selftest_forms import Check, Report, sign_report, verdict
from stillroom.selftest_leave import Leave, leave_of
from stillroom.selftest_limits import SelfTestLimits, limits_for, named
from stillroom.selftest_link import Job, Soaked

HELP = "test this unit: camera, models, card, heat, light, guards; signed by it"
EXIT_NOT_PASSED = 1
RATES_S = 60.0
"""A phantom's breathing is read once half a minute of it was seen."""
MOST_HOURS = 1000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`[--config FILE] [--json] [--html FILE] [--hours N] [--phantom FILE] [--limits FILE] [--ask]`."""
    unit = Path("unit.toml")
    parser.add_argument(
        "--config", type=Path, default=unit, metavar="FILE", help=f"the unit's configuration ({unit})"
    )
    parser.add_argument("--json", action="store_true", help="the signed report, as JSON on standard output")
    parser.add_argument("--html", type=Path, metavar="FILE", help="the same as a page that can be printed")
    parser.add_argument(
        "--hours", type=float, default=0.0, metavar="N", help="go on for so long: drops, heat, drift"
    )
    parser.add_argument(
        "--phantom", type=Path, metavar="FILE", help="what stands in front of the camera (a TOML file)"
    )
    parser.add_argument(
        "--limits", type=Path, metavar="FILE", help="limits (selftest.toml beside unit.toml, or defaults)"
    )
    parser.add_argument(
        "--ask", action="store_true", help="ask somebody who stands there about light and button"
    )


def run(options: argparse.Namespace, machine: Machine | None = None) -> int:
    """0: passed; 1: not. Raises ConfigError, TrustError, StorageError, LinkError."""
    from stillroom.selftest_words import page, table

    unit = config.load(options.config)
    if not 0.0 <= options.hours <= MOST_HOURS:
        raise ConfigError(f"--hours {options.hours:g}: from 0 to {MOST_HOURS:g}")
    limits = limits_for(unit.folder, options.limits)
    phantom = load_phantom(options.phantom) if options.phantom else None
    ring = own_keys(unit)
    lock = lock_folder(unit.path(unit.paths.run), "run.lock", "`stillroom run`", "paths.run")
    try:
        with leave_of(unit, ring, SystemClock()) as leave:
            test = SelfTest(unit, ring, limits, phantom, leave, machine or Machine())
            report = test.report(
                options.config, options.hours, selftest_panel.ask_there if options.ask else None
            )
            leave.tested(report.passed)
    finally:
        os.close(lock)
    signed = sign_report(report, ring)
    if options.html:
        replace_file(options.html, page(report).encode())
    sys.stdout.write(signed.decode() if options.json else table(report))
    return EXIT_OK if report.passed else EXIT_NOT_PASSED


class SelfTest:
    """One test of one unit. `machine`: where card, heat and clock are looked at."""

    def __init__(
        self,
        unit: UnitConfig,
        ring: KeyRing,
        limits: SelfTestLimits,
        phantom: Phantom | None,
        leave: Leave,
        machine: Machine,
    ) -> None:
        self._unit, self._ring, self._limits, self._phantom = unit, ring, limits, phantom
        self._leave, self._machine = leave, machine
        self._hottest = Found(None, "this machine shows no sensor of heat")
        self._told_s = time.monotonic()

    def report(self, config_path: Path, hours: float, ask: selftest_panel.Ask | None) -> Report:
        """All checks, one after another; the unit is not signed yet."""
        began = now(SystemClock())
        before = self._machine.throttled()
        held = selftest_guards.tried(self._unit)
        why = selftest_panel.Why()
        run = self._unit.path(self._unit.paths.run)
        indicator = Indicator(opener(self._unit.panel, run), why.say)
        try:
            lit = selftest_panel.light(indicator, why, self._unit.panel, ask)
            pressed = selftest_panel.button(
                indicator, self._unit.panel, self._limits.panel.press_within_s, ask
            )
            job = self._job(config_path, hours)
            first_s = self._limits.camera.first_frame_s
            seen = CameraProcess(self._unit, job, self._leave, indicator, self._progress(job), first_s).run()
        finally:
            indicator.close()
        made_s = software.put_here_s()
        checks = (
            *self._of_camera(seen, hours),
            *self._of_machine(made_s, before),
            lit,
            pressed,
            selftest_judge.of_guards({**held, "eye": seen.guards}, self._unit.profile, guard.REQUIRED),
        )
        key = self._ring.signing.verify_key
        return Report(
            unit=self._unit.unit,
            site=self._unit.site,
            fingerprint=key.fingerprint,
            key=key.raw,
            software=software.named(),
            models=dict(sorted(seen.models.sha256.items())) if seen.models else {},
            profile=self._unit.profile,
            camera=self._unit.camera.kind,
            allowed=(seen.against or self._leave.words)[:240],
            at=began,
            hours=hours,
            phantom=None if self._phantom is None else _hash_of(self._phantom),
            limits=named(self._limits),
            checks=checks,
            passed=verdict(self._unit.profile, checks),
        )

    def _job(self, config_path: Path, hours: float) -> Job:
        rates = self._phantom is not None and bool(self._phantom.rates) and not self._unread()
        seconds = self._limits.picture.seconds
        return Job(
            config=str(config_path.absolute()),
            parent=os.getpid(),
            opener=find_opener(self._unit.camera.kind),
            seconds=max(seconds, RATES_S) if rates else seconds,
            soak_s=hours * 3600.0,
            edge=self._phantom.edge if self._phantom else None,
            rates=rates,
        )

    def _unread(self) -> str:
        """Why breathing and pulse may not be read, of a phantom neither; empty: they may."""
        may = not self._leave.against() and self._leave.reads()
        return "" if may else "what allows the camera does not allow breathing and pulse to be read"

    def _of_camera(self, seen: Seen, hours: float) -> Iterator[Check]:
        limits = self._limits
        if seen.look is not None:
            yield from selftest_judge.of_look(seen.look, limits, self._phantom, self._unread())
        elif seen.against:
            yield from selftest_judge.of_no_camera(seen.against, limits)
        else:
            yield from selftest_judge.of_a_dead_camera(seen.fault, limits)
        yield selftest_judge.of_kernel(seen.kernels)
        if seen.models is not None:
            yield from selftest_judge.of_models(seen.models, limits)
        if hours and seen.look is not None:
            yield from selftest_judge.of_soak(seen.soaked, self._hottest, seen.look.expected_hz, limits)

    def _of_machine(self, made_s: float, before: Found) -> Iterator[Check]:
        machine, limits = self._machine, self._limits
        state = self._unit.path(self._unit.paths.state)
        yield selftest_judge.of_clock(machine.clock_off_s(made_s), limits)
        yield from selftest_judge.of_card(
            machine.card(state), machine.wear(state), machine.overwritten(state), limits
        )
        heat = machine.heat(self._unit.technical.hot_sensors)
        yield selftest_judge.found("temperature", heat, limits.board.celsius_most, "C")
        yield selftest_judge.of_throttling(before, machine.throttled())

    def _progress(self, job: Job) -> Callable[[Soaked], None]:
        """How far a soak is, on standard error: one line that is written over on a terminal, else one a minute."""

        def tell(soaked: Soaked) -> None:
            heat = self._machine.heat(self._unit.technical.hot_sensors)
            if heat.value is not None and (self._hottest.value is None or heat.value > self._hottest.value):
                self._hottest = heat
            terminal = sys.stderr.isatty()
            if not (terminal or soaked.last or time.monotonic() - self._told_s >= 60.0):
                return
            self._told_s = time.monotonic()
            hot = "" if heat.value is None else f", {heat.value:.1f} C"
            done = f"{soaked.done_s / 3600:.2f} of {job.soak_s / 3600:g} h"
            line = f"selftest: {done}, {soaked.frames} frames, {soaked.dropped:.3%} missing{hot}"
            end = "\n" if soaked.last or not terminal else ""
            print(f"\r\033[K{line}" if terminal else line, end=end, file=sys.stderr, flush=True)

        return tell


def _hash_of(phantom: Phantom) -> str:
    return hashlib.sha256(msgspec.json.encode(phantom)).hexdigest()
