"""A CSV with mistakes: each is said, with its line, and nothing is made."""

from pathlib import Path

import pytest
from making import import_batch, refused, stillroom

from stillroom.errors import InputError
from stillroom_tools.make import batch_csv

BAD = [
    (b"", "column 'serial' is missing"),
    (b"serial\nSN-1\n", "column 'model' is missing"),
    (b"serial,model,colour\nSN-1,M,red\n", "column 'colour' is not known"),
    (b"serial,model,serial\nSN-1,M,SN-2\n", "column 'serial' twice"),
    (b"serial,model\n", "no unit in it"),
    (b"serial,model\nSN-1\n", "line 2: 1 cells, and 2 columns"),
    (b"serial,model\nsn-1,M\n", "line 2: serial 'sn-1': 1 to 24 of A-Z 0-9 -"),
    (b"serial,model\n,M\n", "line 2: serial ''"),
    (b"serial,model,unit\nSN-1,M,gateway\n", "line 2: unit 'gateway': reserved"),
    (b'serial,model\n"SN-1,M\n', "not CSV"),
    ("serial,model\nSN-1,M\nSN-2,Größe\n".encode("latin-1"), "line 3: not UTF-8: save it as 'CSV UTF-8'"),
    ("serial,model\nSN-1,M\n".encode("utf-16"), "not UTF-8"),
    (b"serial,model\nSN-1,M\x00\n", "line 2: model"),
]


@pytest.mark.parametrize(("data", "text"), BAD)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "units.csv").write_bytes(data)
    with pytest.raises(InputError) as caught:
        batch_csv.read(tmp_path / "units.csv")
    assert text in str(caught.value) and "\n" not in str(caught.value)


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["serial,model,unit", "SN-1,M,u-1", "SN-2,M,u-1", "sn 3,M,", "SN-1,,", "SN-5,M,U-5", "SN-1,M,"]
    (tmp_path / "units.csv").write_text("\r\n".join(rows))
    said = refused(
        capsys,
        4,
        *("make", "batch", "import", tmp_path / "units.csv"),
        *("--batch", tmp_path / "b", "--site", "w"),
    )
    for text in (
        "6 problems, and nothing was made",
        "line 3: unit 'u-1' again, first in line 2",
        "line 4: serial 'sn 3'",
        "line 5: model ''",
        "line 5: serial 'SN-1' again, first in line 2",
        "line 6: unit 'U-5'",
        "line 7: serial 'SN-1' again, first in line 2",
    ):
        assert text in said
    assert not (tmp_path / "b").exists()


def test_what_spreadsheets_write_is_read(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_bytes(
        b'\xef\xbb\xbfSerial, Model ,unit\r\n"SN-1",ROOM-1,u-1\r\n,,\r\nSN-2,ROOM-1,\r\n'
    )
    first, second = batch_csv.read(tmp_path / "units.csv")
    assert (first.serial, first.model, first.unit) == ("SN-1", "ROOM-1", "u-1")
    assert batch_csv.MADE_UP.fullmatch(second.unit)


def test_the_same_again_and_another_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "units.csv").write_text("serial,model\nSN-1,M\nSN-2,M\n")
    import_batch(tmp_path)
    plan = (tmp_path / "batch/batch.json").read_bytes()
    import_batch(tmp_path)
    assert "again" in capsys.readouterr().err
    assert (tmp_path / "batch/batch.json").read_bytes() == plan, "ids stay what they are"
    (tmp_path / "units.csv").write_text("serial,model\nSN-1,M\nSN-3,M\n")
    said = refused(
        capsys,
        3,
        "make",
        "batch",
        "import",
        tmp_path / "units.csv",
        "--batch",
        tmp_path / "batch",
        "--site",
        "ward-7",
    )
    assert "a batch with other units is here" in said
    assert "no batch here" in refused(capsys, 3, "make", "batch", "status", tmp_path)
    assert stillroom("make", "batch", "status", tmp_path / "batch") == 0
