"""The states of a room and the ways between them, drawn from their table: `python -m stillroom_tools.states` prints it.

Nobody keeps README's diagram up by hand: a test holds it to what is printed here.
"""

from collections.abc import Iterator

from stillroom.keeper.states import ALL, ARROWS, MEANINGS, Arrow

WIDTH = 118


def diagram() -> str:
    """Lines of at most WIDTH characters: each state, and below it what leads there, from where, after how long."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for state in ALL:
        yield f" {state}: {MEANINGS[state]}"
        for arrow in ARROWS.values():
            if arrow.to == state:
                yield f"  ^   {arrow.needs} ({_dwell(arrow)})"
                yield f"  +-- {_after(arrow)}"


def _dwell(arrow: Arrow) -> str:
    if not arrow.dwell:
        return f"{arrow.seconds:g} s" if arrow.seconds else "at once"
    return arrow.dwell if arrow.share == 1.0 else f"{arrow.share:g} x {arrow.dwell}"


def _after(arrow: Arrow) -> str:
    others = [state for state in ALL if state != arrow.to]
    absent = [state for state in others if state not in arrow.after]
    if not absent:
        return "any other"
    if len(absent) <= len(others) // 2:
        return f"any other but {', '.join(absent)}"
    return ", ".join(state for state in others if state in arrow.after)


if __name__ == "__main__":
    print(diagram(), end="")
