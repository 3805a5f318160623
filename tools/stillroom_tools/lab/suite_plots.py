"""Small plots as SVG text: axes, dots, lines. No library, no script; colours come from the page's style sheet."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stillroom_tools.svg import tag, text

Pairs = Sequence[tuple[float, float]]
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 8.0, 38.0


@dataclass(slots=True)
class Plot:
    """Make with the ranges of both axes, add marks, `svg()`. Values outside the ranges are drawn at the edge."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str
    width: float = 420.0
    height: float = 280.0
    _marks: list[str] = field(default_factory=list)

    def dots(self, points: Pairs, style: str, radius: float = 1.8) -> None:
        """One small disc a point."""
        at = (f"M{self._x(x):.1f} {self._y(y):.1f}h0" for x, y in points)
        self._marks.append(
            tag("path", class_=f"dots {style}", style=f"stroke-width:{2 * radius:g}", d="".join(at))
        )

    def sized(self, points: Sequence[tuple[float, float, float]], style: str) -> None:
        """Discs whose area is the third number, as a share of the largest."""
        most = max((size for _, _, size in points), default=1.0)
        for x, y, size in points:
            radius = 2.0 + 8.0 * (size / most) ** 0.5
            self._marks.append(tag("circle", class_=style, cx=self._x(x), cy=self._y(y), r=radius))

    def line(self, points: Pairs, style: str) -> None:
        """Through all points in turn."""
        at = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._marks.append(tag("polyline", class_=f"line {style}", points=at))

    def level(self, y: float, style: str, label: str = "", below: bool = False) -> None:
        """A horizontal line with its words above or below it."""
        self.line([(self.x[0], y), (self.x[1], y)], style)
        if label:
            at = self.width - _RIGHT - 3, self._y(y) + (11 if below else -4)
            self._marks.append(text(*at, label, class_="small", text_anchor="end"))

    def svg(self) -> str:
        """The whole of it."""
        across, down = self.width - _LEFT - _RIGHT, self.height - _TOP - _BOTTOM
        frame = tag("rect", class_="frame", x=_LEFT, y=_TOP, width=across, height=down)
        below = text((self.width + _LEFT) / 2, self.height - 6, self.x_label, text_anchor="middle")
        turned = f"translate(12 {(self.height - _BOTTOM) / 2}) rotate(-90)"
        beside = text(0, 0, self.y_label, transform=turned, text_anchor="middle")
        body = (frame, *self._ticks(), *self._marks, below, beside)
        return tag("svg", *body, viewBox=f"0 0 {self.width:g} {self.height:g}", role="img")

    def _ticks(self) -> list[str]:
        found = []
        bottom, right = self.height - _BOTTOM, self.width - _RIGHT
        for value in ticks(*self.x):
            at = self._x(value)
            found.append(tag("line", class_="grid", x1=at, x2=at, y1=_TOP, y2=bottom))
            found.append(text(at, bottom + 13, f"{value:g}", class_="small", text_anchor="middle"))
        for value in ticks(*self.y):
            at = self._y(value)
            found.append(tag("line", class_="grid", y1=at, y2=at, x1=_LEFT, x2=right))
            found.append(text(_LEFT - 4, at + 3, f"{value:g}", class_="small", text_anchor="end"))
        return found

    def _x(self, value: float) -> float:
        share = (min(max(value, self.x[0]), self.x[1]) - self.x[0]) / (self.x[1] - self.x[0])
        return _LEFT + share * (self.width - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        share = (min(max(value, self.y[0]), self.y[1]) - self.y[0]) / (self.y[1] - self.y[0])
        return self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers in a range: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    count = int(np.floor(high / step + 1e-9) - first) + 1
    return [round(float((first + k) * step), 10) for k in range(count)]


def bar(share: float | None, style: str) -> str:
    """A share as a bar in a table's cell, its number beside it."""
    if share is None:
        return '<span class="none">-</span>'
    return f'<span class="bar {style}"><i style="width:{100 * share:.0f}%"></i></span><b>{percent(share)}</b>'


def percent(share: float) -> str:
    """As a reader wants it: 100 %, 99.6 %, 12 %; never 100 % for less than all."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{share:.2%}" if share > 0.99 or share < 0.01 else f"{share:.0%}"
