"""A small writer of SVG: elements, text that is always escaped, and a document that stands alone.

No script, nothing loaded from anywhere. What XML cannot hold, and what would turn the reading direction of a line, is
shown as a replacement character: a name can be hostile, a picture must not be.
"""

import unicodedata
from collections.abc import Iterable
from html import escape

_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: control and format characters, surrogates, private and unassigned ones, separators of lines."""


def tag(name: str, *inside: str, **attributes: object) -> str:
    """One element. inside: elements and escaped text. `stroke_width=2` is written as an attribute `stroke-width`.

    An attribute of None is left out; numbers are written with two places at most, `class_` without its underscore.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def words(said: str) -> str:
    """Text as it may stand inside an element or an attribute."""
    return escape(
        "".join("\ufffd" if unicodedata.category(letter) in _NOT_SHOWN else letter for letter in said)
    )


def text(x: float, y: float, said: str, **attributes: object) -> str:
    """A line of text that begins at a point; `text_anchor="end"` and `"middle"` as SVG has them."""
    return tag("text", words(said), x=x, y=y, **attributes)


def title(said: str) -> str:
    """What a browser shows of the element that this stands in, where somebody points at it."""
    return tag("title", words(said))


def document(
    size: tuple[float, float],
    name: str,
    description: str,
    style: str,
    body: Iterable[str],
    language: str = "en",
) -> bytes:
    """A file of its own. size: width and height in px; name and description are what a screen reader says of it.

    style: a style sheet, which is ours and not escaped.
    """
    width, height = size
    head = (tag("title", words(name), id="name"), tag("desc", words(description), id="description"))
    drawn = tag(
        "svg",
        "\n".join((*head, tag("style", style), *body)),
        xmlns="http://www.w3.org/2000/svg",
        lang=language,
        role="img",
        aria_labelledby="name description",
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{drawn}\n'.encode()


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return words(str(value))
