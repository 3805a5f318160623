"""Light and button at the pins of a GPIO chip, through the kernel's character device (linux/gpio.h, version 2).

No library: three ioctls on a file. The sizes and numbers are compared with the kernel's header in a test; the pins
themselves were never tried on hardware.
"""

import fcntl
import os
import struct
from pathlib import Path

from stillroom.config import NO_LINE, PanelConfig

GET_LINE = 0xC250B407
GET_VALUES, SET_VALUES = 0xC010B40E, 0xC010B40F
ACTIVE_LOW, INPUT, OUTPUT, EDGE_RISING, PULL_UP = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 8
DEBOUNCE_ATTRIBUTE = 3
DEBOUNCE_US = 20_000
EVENT_BYTES = 48
_ATTRIBUTE = struct.Struct("=IIQQ")
"""id, padding, value, mask"""
REQUEST = struct.Struct(f"=64I32sQI20x{10 * _ATTRIBUTE.size}sII20xi")
"""offsets, consumer, flags, count of attributes, attributes, count of lines, size of the buffer, descriptor"""
VALUES = struct.Struct("=QQ")
"""bits, mask"""


class GpioPanel:
    """The lines that the configuration names, asked for when this is made. Raises OSError: one is not to be had."""

    def __init__(self, wanted: PanelConfig) -> None:
        self._lines: list[int] = []
        self._feedback = self._button = -1
        chip = os.open(Path(wanted.chip), os.O_RDWR | os.O_CLOEXEC)
        try:
            self._light = self._line(chip, wanted.light_line, OUTPUT)
            if wanted.feedback_line != NO_LINE:
                self._feedback = self._line(chip, wanted.feedback_line, INPUT)
            if wanted.button_line != NO_LINE:
                # A push button to ground: pressed is low. The kernel keeps each press until we look.
                flags = INPUT | ACTIVE_LOW | PULL_UP | EDGE_RISING
                self._button = self._line(chip, wanted.button_line, flags, DEBOUNCE_US)
        except BaseException:
            self.close()
            raise
        finally:
            os.close(chip)
        if self._button >= 0:
            os.set_blocking(self._button, False)

    def show(self, _pattern: str, lit: bool) -> None:
        """Switch the light, and look whether it follows where a line tells. Raises OSError."""
        fcntl.ioctl(self._light, SET_VALUES, VALUES.pack(lit, 1))
        if self._feedback >= 0:
            answer = fcntl.ioctl(self._feedback, GET_VALUES, VALUES.pack(0, 1))
            if bool(VALUES.unpack(answer)[0] & 1) != lit:
                raise OSError(f"it was switched {'on' if lit else 'off'}, and is not")

    def pressed(self) -> bool:
        """Whether the button was pressed since the last look, once or oftener."""
        if self._button < 0:
            return False
        try:
            return len(os.read(self._button, 16 * EVENT_BYTES)) > 0
        except BlockingIOError:
            return False

    def close(self) -> None:
        for line in self._lines:
            os.close(line)
        self._lines.clear()

    def _line(self, chip: int, offset: int, flags: int, debounce_us: int = 0) -> int:
        attributes = _ATTRIBUTE.pack(DEBOUNCE_ATTRIBUTE, 0, debounce_us, 1) if debounce_us else b""
        offsets = (offset, *(0,) * 63)
        request = REQUEST.pack(
            *offsets, b"stillroom", flags, bool(attributes), attributes.ljust(240, b"\0"), 1, 0, 0
        )
        line = int(REQUEST.unpack(fcntl.ioctl(chip, GET_LINE, request))[-1])
        self._lines.append(line)
        return line
