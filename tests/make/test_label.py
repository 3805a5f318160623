"""Labels: what is printed can be read, says what it should and nothing else, and another unit's is refused."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from making import refused, stillroom, write_card
from tests.patience import WITHIN_S

from stillroom.errors import InputError, TrustError
from stillroom.keys import SigningKey, load_unit_keys
from stillroom_tools.make import label_read, label_sheet, label_text
from stillroom_tools.make.label_text import Label


def label(number: int = 1) -> Label:
    return Label("ROOM-1", f"SN-{number:04}", SigningKey(bytes([number]) * 32).verify_key.fingerprint)


def picture(of: Label, path: Path, *, module_px: int = 6, turned: int = 0, noise: float = 0.0) -> Path:
    """A label's square as a camera may see it: turned, noisy, on a grey ground."""
    import av

    square = np.array(label_text.modules(of))
    drawn = np.full((square.shape[0] + 8,) * 2, 235.0)
    drawn[4:-4, 4:-4] = np.where(square, 30.0, 235.0)
    grey = np.rot90(np.kron(drawn, np.ones((module_px, module_px))), turned)
    grey = grey + np.random.default_rng(1).normal(0, noise, grey.shape)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey.clip(0, 255).astype(np.uint8)), "gray")
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "gray"
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_every_label_of_a_sheet_is_read_back(tmp_path: Path) -> None:
    labels = [label(number) for number in range(1, 41)]
    (tmp_path / "sheet.pdf").write_bytes(label_sheet.as_pdf(labels))
    found = label_read.read(tmp_path / "sheet.pdf")
    assert len(found) == 40 and set(found) == set(labels), "three pages of 18"
    assert label_sheet.as_pdf(labels) == (tmp_path / "sheet.pdf").read_bytes()


@pytest.mark.parametrize(("turned", "noise"), [(0, 0.0), (1, 25.0), (2, 40.0)])
def test_a_photograph_is_read(tmp_path: Path, turned: int, noise: float) -> None:
    assert label_read.read(picture(label(), tmp_path / "p.png", turned=turned, noise=noise)) == [label()]


def test_the_svg_says_it_all_in_words_too_and_needs_nothing_from_elsewhere() -> None:
    drawn = label_sheet.as_svg(label()).decode()
    assert label().coded in drawn and all(line in drawn for line in label().lines)
    assert "href" not in drawn and "<script" not in drawn and "url(" not in drawn


def test_the_svg_as_a_browser_draws_it_is_read(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    (tmp_path / "label.svg").write_bytes(label_sheet.as_svg(label()))
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--force-device-scale-factor=2"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={tmp_path / 'seen.png'}"]
    command += ["--window-size=400,200", (tmp_path / "label.svg").as_uri()]
    subprocess.run(command, capture_output=True, check=True, timeout=WITHIN_S)
    assert label_read.read(tmp_path / "seen.png") == [label()]


def test_coded_is_dense_and_comes_back() -> None:
    import segno

    assert segno.make(label().coded, error="m").mode == "alphanumeric"
    assert label_text.parse(label().coded) == label()
    for odd in (label().coded.lower(), label().coded + " X", "https://example.org", "STILLROOM/1 A B C"):
        with pytest.raises(TrustError, match="no label of a unit"):
            label_text.parse(odd)


def test_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cut.pdf").write_bytes(label_sheet.as_pdf([label()])[:300])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "drawing.svg").write_bytes(label_sheet.as_svg(label()))
    for name, text in (
        ("cut.pdf", "PDF"),
        ("text.png", "text.png: no picture that can be read: PNG, JPEG or PDF$"),
        ("drawing.svg", "give a PNG"),
        ("no", "No such"),
    ):
        with pytest.raises(InputError, match=text):
            label_read.read(tmp_path / name)
    tiny = picture(label(), tmp_path / "tiny.png", module_px=1, noise=90.0)
    assert "no square can be read" in refused(capsys, 4, "make", "label", "verify", tiny)


def test_another_units_label_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for unit in ("u-1", "u-2"):
        write_card(tmp_path / f"card-{unit}", unit=unit)
        stillroom("make", "unit", tmp_path / unit, "--card", tmp_path / f"card-{unit}")
        stillroom(
            "make",
            "label",
            "new",
            tmp_path / unit,
            "--serial",
            f"SN-{unit[-1]}",
            "--model",
            "M",
            "--out",
            tmp_path / "labels",
        )
    sheet = tmp_path / "labels/SN-1.pdf"
    capsys.readouterr()
    assert stillroom("make", "label", "verify", sheet, "--unit", tmp_path / "u-1") == 1, (
        "not all of it is right"
    )
    own = load_unit_keys(tmp_path / "u-1/keys").signing.verify_key.fingerprint
    said = capsys.readouterr()
    assert said.out == f"M SN-1 {own}\n" and "model and serial compared with nothing" in said.err
    of = ("make", "label", "verify", sheet, "--unit", tmp_path / "u-1")
    assert stillroom(*of, "--serial", "SN-1", "--model", "M") == 0
    assert "compared with nothing" not in capsys.readouterr().err
    assert stillroom(*of, "--serial", "SN-1") == 1
    assert "model compared with nothing: --model, or --batch" in capsys.readouterr().err
    assert "says M SN-1, and that is M SN-9: print it anew" in refused(capsys, 6, *of, "--serial", "SN-9")
    assert "and that is ROOM SN-1" in refused(capsys, 6, *of, "--model", "ROOM")
    assert "1 to 24 of A-Z" in refused(capsys, 3, *of, "--serial", "a b")
    said = refused(capsys, 6, "make", "label", "verify", sheet, "--unit", tmp_path / "u-2")
    assert "the label SN-1 is another unit's" in said and own in said
    assert stillroom("make", "label", "verify", sheet, "--fingerprint", own.upper()) == 1
    assert stillroom("make", "label", "verify", sheet) == 1
    assert "compared with nothing" in capsys.readouterr().err
    assert "1 to 24 of A-Z" in refused(
        capsys, 3, "make", "label", "new", tmp_path / "u-1", "--serial", "a b", "--model", "M"
    )
