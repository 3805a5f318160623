"""Reading labels back: from a photograph, a scan, or the PDF that goes to the printer. Nothing is believed of them.

ZXing finds the squares, FFmpeg opens pictures, PDFium draws pages.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.errors import InputError
from stillroom_tools.given_file import read_given
from stillroom_tools.make.label_text import Label, parse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]

MAX_BYTES = 64 * 1024 * 1024
MAX_SIDE_PX = 8_192
DPI = 200.0
"""A module of a printed label has five pixels."""


def read(path: Path) -> list[Label]:
    """Every label of a picture or a PDF. Raises InputError: none, or unreadable; TrustError: no label of ours."""
    found = [parse(text) for page in _pages(path) for text in _texts(page)]
    if not found:
        raise InputError(
            f"{path}: no square can be read in it: a sharp picture, from the front, with white around it"
        )
    return found


def _texts(page: "Grey") -> list[str]:
    import zxingcpp

    return [
        code.text
        for code in zxingcpp.read_barcodes(
            page, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
        )
    ]


def _pages(path: Path) -> Iterator["Grey"]:
    data = read_given(path, MAX_BYTES, "no picture of a label")
    if data.startswith(b"%PDF-"):
        yield from _drawn(path, data)
    elif b"<svg" in data[:1024]:
        raise InputError(
            f"{path}: a drawing, which only a program has seen: give a PNG, a photograph or the PDF sheet"
        )
    else:
        yield _decoded(path)


def _drawn(path: Path, data: bytes) -> Iterator["Grey"]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        for page in document:
            if max(page.get_size()) * DPI / 72 > MAX_SIDE_PX:
                raise InputError(f"{path}: a page that is larger than any sheet of labels")
            yield page.render(scale=DPI / 72, grayscale=True).to_numpy().copy()
    except pypdfium2.PdfiumError as error:
        raise InputError(f"{path}: not a PDF that can be read: {error}") from None


def _decoded(path: Path) -> "Grey":
    import av
    import numpy as np

    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            if max(frame.width, frame.height) > MAX_SIDE_PX:
                raise InputError(f"{path}: {frame.width}x{frame.height}: at most {MAX_SIDE_PX} a side")
            return np.asarray(frame.to_ndarray(format="gray"), np.uint8)
    except (av.error.FFmpegError, StopIteration, IndexError, ValueError):
        raise InputError(f"{path}: no picture that can be read: PNG, JPEG or PDF") from None
