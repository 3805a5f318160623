"""What the unit notices of itself: card, heat, silence of others, camera, models. Each is a technical condition."""

from stillroom.config import UnitConfig
from stillroom.config_technical import TECHNICAL
from stillroom.keeper.camera import CameraWatch, ModelWatch
from stillroom.keeper.faults import Faults
from stillroom.keeper.heat import HeatWatch
from stillroom.keeper.known import KnownTime
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.silence import SilenceWatch
from stillroom.keeper.storage import MB, CardWatch
from stillroom.link import Network


class Upkeep:
    """The watches of one unit; each says what it finds to `faults`."""

    def __init__(self, settings: UnitConfig, faults: Faults, outbox: Outbox, clock: KnownTime) -> None:
        self._faults, self._clock = faults, clock
        technical = settings.technical
        self.view = CameraWatch(faults)
        self.looks = ModelWatch(faults.say, bool(settings.detector.models), technical.model_missing_s)
        self.heat = HeatWatch(faults, technical)
        self.silence = SilenceWatch(faults, technical, clock.mono_ns())
        self._card = CardWatch(outbox, round(settings.outbox.reserve_mb * MB))

    def tick(self, courier_there: bool, network: Network) -> None:
        """Twice a second: what time alone brings about."""
        now_ns = self._clock.mono_ns()
        unsure = self._clock.known().source == "unsure"
        self._faults.say("clock-unsure", unsure, TECHNICAL["clock-unsure"])
        self.heat.look(now_ns)
        self.silence.look(now_ns, courier_there, network, self._clock.has_gateway)
        self._faults.pass_time()

    def card(self) -> None:
        """After each commit."""
        for code, active, why in self._card.look():
            self._faults.say(code, active, why)
