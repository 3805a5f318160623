"""The writer of SVG: whatever a name holds, what comes out is XML and says no more than the name."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillroom_tools.svg import document, tag, text, title, words

SVG = "{http://www.w3.org/2000/svg}"


@given(st.text(st.characters(codec=None)))
def test_no_text_breaks_the_file_or_becomes_an_element(said: str) -> None:
    drawn = document((10, 20.5), said, said, "", [text(1, 2, said, class_=said), tag("g", title(said))])
    root = ET.fromstring(drawn)
    assert [each.tag for each in root.iter()] == [
        f"{SVG}{name}" for name in ("svg", "title", "desc", "style", "text", "g", "title")
    ]
    assert len(root.find(f"{SVG}text").get("class")) == len(said)


@pytest.mark.parametrize(
    ("said", "shown"),
    [("<script>alert(1)</script>", "<script>alert(1)</script>"), ('"><rect/>', '"><rect/>'), ("a&b", "a&b"),
     ("turned \u202e about", "turned \ufffd about"), ("\x00\x1b[31m", "\ufffd\ufffd[31m"), ("\ud800", "\ufffd"),
     ("Zimmer Ä, комната 5, 部屋", "Zimmer Ä, комната 5, 部屋")],
)  # fmt: skip
def test_hostile_and_foreign_names_are_shown_as_they_are(said: str, shown: str) -> None:
    assert ET.fromstring(text(0, 0, said)).text == shown
    assert ET.fromstring(tag("g", id=said)).get("id") == shown
    assert "<" not in words(said) and '"' not in words(said)


def test_numbers_are_short_and_none_is_left_out() -> None:
    assert tag("a", x=1.0, y=0.125, z=10.0, w=100, stroke_width=0.5, class_="b", t=None) == (
        '<a x="1" y="0.12" z="10" w="100" stroke-width="0.5" class="b"/>'
    )
