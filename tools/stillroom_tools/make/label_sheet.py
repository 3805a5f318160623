"""Labels as they are printed: one as SVG, and a sheet of A4 as PDF (ISO 32000) with cutting marks, many to a page.

The PDF is written out here: rectangles, and text in Courier, which every reader has. Same labels, same bytes.
"""

from collections.abc import Iterator, Sequence

from stillroom_tools import svg
from stillroom_tools.make.label_text import QUIET, Label, modules

MM = 72 / 25.4
PAGE_MM = (210.0, 297.0)
LABEL_MM = (90.0, 30.0)
SQUARE_MM = 26.0
"""With its white margin; a module is half a millimetre and more."""
COLUMNS, ROWS = 2, 9
_LETTER = 600 / 1000
"""Width of Courier's letters, of their size."""
_TEXT_MM = LABEL_MM[0] - SQUARE_MM - 6
_GAP_MM = ((PAGE_MM[0] - COLUMNS * LABEL_MM[0]) / 2, (PAGE_MM[1] - ROWS * LABEL_MM[1]) / 2)


def as_svg(label: Label) -> bytes:
    """One label, 90 x 30 mm; what it says is in its description too."""
    scale = 4.0
    width, height = (side * scale for side in LABEL_MM)
    side, runs = _runs(label)
    module = SQUARE_MM * scale / (side + 2 * QUIET)
    margin = (height - SQUARE_MM * scale) / 2
    body = [svg.tag("rect", x=0, y=0, width=width, height=height, fill="#fff", stroke="#999")]
    left, top = margin + QUIET * module, margin + QUIET * module
    path = "".join(
        f"M{left + x * module:.3f} {top + y * module:.3f}h{n * module:.3f}v{module:.3f}h{-n * module:.3f}z"
        for x, y, n in runs
    )
    body.append(svg.tag("path", d=path, fill="#000", shape_rendering="crispEdges"))
    for number, said in enumerate(label.lines):
        size = _size_mm(said) * scale
        body.append(
            svg.text(
                (SQUARE_MM + 4) * scale,
                (7 + 6 * number) * scale,
                said,
                font_size=size,
                font_family="monospace",
            )
        )
    return svg.document((width, height), f"Stillroom unit {label.serial}", label.coded, "", body)


def as_pdf(labels: Sequence[Label]) -> bytes:
    """All of them, 18 to a page of A4."""
    pages = [labels[i : i + COLUMNS * ROWS] for i in range(0, len(labels), COLUMNS * ROWS)]
    contents = [" ".join(_page(page)).encode() for page in pages]
    kids = " ".join(f"{3 + 2 * number} 0 R" for number in range(len(pages)))
    size = " ".join(f"{side * MM:.2f}" for side in PAGE_MM)
    font = f"{3 + 2 * len(pages)} 0 R"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
    ]
    for number, content in enumerate(contents):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size}] /Contents {4 + 2 * number} 0 R "
            f"/Resources << /Font << /F {font} >> >> >>".encode()
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream")
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>")
    return _file(objects)


def _page(labels: Sequence[Label]) -> Iterator[str]:
    """Drawing operators; PDF counts from the lower left corner."""
    for number, label in enumerate(labels):
        left = _GAP_MM[0] + number % COLUMNS * LABEL_MM[0]
        top = PAGE_MM[1] - _GAP_MM[1] - number // COLUMNS * LABEL_MM[1]
        yield f"0.6 G 0.2 w {_box(left, top - LABEL_MM[1], *LABEL_MM)} S 0 g"
        side, runs = _runs(label)
        module = SQUARE_MM / (side + 2 * QUIET)
        x0 = left + (LABEL_MM[1] - SQUARE_MM) / 2 + QUIET * module
        y0 = top - (LABEL_MM[1] - SQUARE_MM) / 2 - (QUIET + 1) * module
        for x, y, n in runs:
            yield _box(x0 + x * module, y0 - y * module, n * module, module)
        yield "f"
        for line, said in enumerate(label.lines):
            yield (
                f"BT /F {_size_mm(said) * MM:.2f} Tf {(left + SQUARE_MM + 4) * MM:.3f} "
                f"{(top - 7 - 6 * line) * MM:.3f} Td ({said}) Tj ET"
            )


def _size_mm(said: str) -> float:
    """Of letters that fit beside the square."""
    return min(4.5, _TEXT_MM / (len(said) * _LETTER))


def _runs(label: Label) -> tuple[int, list[tuple[int, int, int]]]:
    """Modules along a side, and black stretches: column, row, length."""
    square = modules(label)
    found = []
    for y, row in enumerate(square):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                found.append((x, y, end - x))
            x = end + 1
    return len(square), found


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"{x * MM:.3f} {y * MM:.3f} {width * MM:.3f} {height * MM:.3f} re"


def _file(objects: Sequence[bytes]) -> bytes:
    data, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    return data + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
