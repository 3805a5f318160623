"""Notices a courier that is not there or does nothing, and a gateway that does not answer.

A gateway's silence is whatever keeps its word from us: broker, network, or itself. While it lasts nobody there can be
told; it is told afterwards, and meanwhile to whoever stands beside the unit.
"""

from stillroom.clock import NS_PER_S
from stillroom.config_technical import TechnicalConfig
from stillroom.keeper.faults import Faults
from stillroom.link import Network


class SilenceWatch:
    """`heard_*` whenever there was something; `look` twice a second."""

    def __init__(self, faults: Faults, config: TechnicalConfig, now_ns: int) -> None:
        self._faults, self._config = faults, config
        self._courier_ns = self._gateway_ns = now_ns

    def heard_courier(self, now_ns: int) -> None:
        self._courier_ns = now_ns

    def heard_gateway(self, now_ns: int) -> None:
        """It has opened a record of this boot, and said so."""
        self._gateway_ns = now_ns
        self._faults.say("gateway-silent", False, "")

    def look(self, now_ns: int, courier_there: bool, network: Network, has_gateway: bool) -> None:
        """network: as the courier said last. Without a broker it says nothing; with one, something in each slot."""
        if courier_there and not network.connected:
            self._courier_ns = now_ns
        silent_s = (now_ns - self._courier_ns) / NS_PER_S
        what = "says nothing" if courier_there else "is not there"
        self._faults.say(
            "courier-silent", silent_s >= self._config.courier_silent_s, f"it {what}, for {silent_s:.0f} s"
        )
        silent_s = (now_ns - self._gateway_ns) / NS_PER_S
        if not has_gateway:
            self._faults.say("gateway-silent", False, "")
        elif silent_s >= self._config.gateway_silent_s:
            why = "" if network.connected else f"; broker: {network.why}"
            self._faults.say("gateway-silent", True, f"no answer for {silent_s:.0f} s{why}")
