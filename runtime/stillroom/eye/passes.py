"""Passes over the cells of a fifth of a second, in C (native/fifth.c): each was ten to thirty calls of NumPy.

Types and sizes are looked at here, before C touches memory; C looks at sizes and null pointers once more. All raise
GridError for arrays that are not float32, or not as many cells as the others; ValueError for one with gaps.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stillroom._native import ffi, lib
from stillroom.eye.cells import GridError

if TYPE_CHECKING:
    from stillroom.eye.traces import Fifth

Real = NDArray[np.float32]
Flags = NDArray[np.bool_]
Begins = NDArray[np.int32]
Rows = NDArray[np.uint16]

_F32, _I32, _U16 = (np.dtype(kind) for kind in (np.float32, np.int32, np.uint16))
_FLOATS, _DOUBLES, _INTS, _PAIRS, _BYTES = (
    ffi.typeof(f"{kind} *") for kind in ("float", "double", "int32_t", "uint16_t", "uint8_t")
)
_from_buffer = ffi.from_buffer
WHITE = 255.0
"""The most that a sensor says of a cell."""


def moving(moved: Real, noise: Real, times: float, floor: float) -> Flags:
    """(cells,) True where more changed than so many times the noise, and `floor`. noise: moved on by what changed."""
    cells = moved.size
    flags: Flags = np.empty(cells, np.bool_)
    given = _floats(moved, cells), _floats(noise, cells), times, floor
    _accept(lib.fifth_moving(*given, _from_buffer(_BYTES, flags), cells))
    return flags


def steps(luma: Real, before: Real) -> tuple[float, float]:
    """Mean change of luma since the last fifth, and since the one before it. before: (2, cells), moved on."""
    cells, found = luma.size, ffi.new("double[2]")
    _accept(lib.fifth_steps(_floats(luma, cells), _floats(before, 2 * cells), found, cells))
    return found[0], found[1]


def gain(now: Real, before: Real) -> float:
    """Median ratio of two pictures: a person may fill nearly half of them. 1 where next to nothing is lit."""
    cells, found = now.size, ffi.new("float *")
    _accept(lib.fifth_gain(_floats(now, cells), _floats(before, cells), cells, found))
    ratio: float = found[0]
    return ratio


def differs(fifth: "Fifth", mean: Real, noise: Real, light: float) -> Flags:
    """(cells,) True where a fifth is not the room of `mean` (3, cells) and `noise` in so many times its light."""
    cells = noise.size
    flags: Flags = np.empty(cells, np.bool_)
    seen = (_floats(plane, cells) for plane in (fifth.luma, fifth.u, fifth.v))
    known = _floats(mean, 3 * cells), _floats(noise, cells)
    _accept(lib.fifth_differs(*seen, *known, light, WHITE, _from_buffer(_BYTES, flags), cells))
    return flags


def view(
    luma: Real, parts: Real, most: float, shape: tuple[int, int]
) -> tuple[Real, tuple[float, float, float]]:
    """Edges to the right and down, (2, cells), cut at +-most; and sums of edges, bends and luma over their parts.

    parts: (4, cells) 1 or 0: where a cell and its right neighbour may be read, it and the one below, it and all four
    around it, it alone.
    """
    cells = luma.size
    edges, scratch = np.empty((2, cells), np.float32), np.empty(cells, np.float32)
    sums = ffi.new("double[3]")
    given = _floats(luma, shape[0] * shape[1]), _floats(parts, 4 * cells)
    written = _from_buffer(_FLOATS, edges), sums, _from_buffer(_FLOATS, scratch)
    _accept(lib.fifth_view(*given, most, *written, *shape))
    return edges, tuple(sums)


def tile_sums(
    now: Real, known: Real, down: Begins, across: Begins, shape: tuple[int, int]
) -> NDArray[np.float64]:
    """(3, tiles) sums of now * known, now * now, known * known, over tiles that begin in these rows and columns.

    now, known: (2, cells).
    """
    cells = 2 * shape[0] * shape[1]
    sums: NDArray[np.float64] = np.empty((3, down.size * across.size))
    if down.dtype != _I32 or across.dtype != _I32:
        raise GridError("tiles begin at int32 numbers")
    tiles = _from_buffer(_INTS, down), down.size, _from_buffer(_INTS, across), across.size
    _accept(
        lib.fifth_tiles(
            _floats(now, cells), _floats(known, cells), *tiles, _from_buffer(_DOUBLES, sums), *shape
        )
    )
    return sums


def row_sums(ring: Rows, at: int, rows: int, first: int, steps: int) -> NDArray[np.float64]:
    """(3, cells): values and squares of `rows` rows from `at` on, squared steps from `steps` rows from `first` on.

    ring: (places, cells), one place after another and round the end.
    """
    places, cells = ring.shape
    if ring.dtype != _U16:
        raise GridError(f"ring: of {ring.dtype}, must be of uint16")
    sums: NDArray[np.float64] = np.empty((3, cells))
    rings = _from_buffer(_PAIRS, ring), places, at, rows, first, steps
    _accept(lib.fifth_sums(*rings, _from_buffer(_DOUBLES, sums), cells))
    return sums


def _floats(array: Real, count: int) -> Any:
    """Where it begins, for as long as somebody holds it."""
    if array.size != count or array.dtype != _F32:
        raise GridError(f"cells: {array.size} of {array.dtype}, must be {count} of float32")
    return _from_buffer(_FLOATS, array)


def _accept(code: int) -> None:
    if code != lib.FIFTH_OK:
        raise GridError(
            f"cells refused by the kernel, code {code}: a picture has 1 to {lib.FIFTH_MAX_CELLS} of them"
        )
