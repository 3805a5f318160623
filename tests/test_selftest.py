"""`stillroom selftest` as a command: its report, who signed it, its page, a soak, and what it is told wrongly."""

import base64
import json
from pathlib import Path

import board_browser
import msgspec
import pytest

from stillroom import config, note_reading
from stillroom.cli import main
from stillroom.errors import TrustError
from stillroom.keys import KeyRing, load_unit_keys
from stillroom.phantom import Phantom, load_phantom
from stillroom.selftest_forms import KIND, Check, Report, open_report, sign_report, verdict
from stillroom.selftest_limits import SelfTestLimits, load_limits, named
from tests.factory import factory_unit
from tests.test_config import keys_of

EXAMPLE = Path(__file__).parents[1] / "config" / "selftest.toml"
EDGE = "edge = [0.02, 0.3, 0.24, 0.55]\n"
Capture = pytest.CaptureFixture[str]


def limits(folder: Path, text: str = "") -> Path:
    path = folder / "limits.toml"
    path.write_text(
        f'limits_of = "a test"\n[card]\nflush_ms_most = 5000.0\nwrite_mb_per_s_least = 0.1\n{text}'
    )
    return path


def selftest(folder: Path, *more: object, faults: str = "", text: str = "") -> tuple[Path, int]:
    path = factory_unit(folder, EDGE, faults)
    options = [
        "--config",
        path,
        "--limits",
        limits(folder, text),
        "--phantom",
        folder / "phantom.toml",
        *more,
    ]
    return path, main(["selftest", *(str(option) for option in options)])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A unit that has tested itself: its folder and its report."""
    folder = tmp_path_factory.mktemp("unit") / ("deeper-than-a-sockets-name-may-be-long-" * 3) / "u"
    capture = pytest.MonkeyPatch()
    written: list[str] = []
    capture.setattr("sys.stdout.write", written.append)
    try:
        _, code = selftest(folder, "--json", "--html", folder / "report.html", "--hours", "0.002")
    finally:
        capture.undo()
    assert code == 0, written
    (folder / "report.json").write_text("".join(written))
    return folder, "".join(written).encode()


def test_the_report_has_the_shape_that_others_read(told: tuple[Path, bytes]) -> None:
    folder, data = told
    report = json.loads(data)
    ring = load_unit_keys(folder / "keys")
    assert report["unit"] == "u-1" and report["fingerprint"] == ring.signing.verify_key.fingerprint
    assert report["passed"] is True and report["software"].startswith("0.1.0 sha256:")
    assert report["models"] == {} and report["signature"] and report["hours"] == 0.002
    for check in report["checks"]:
        assert {"check", "value", "unit", "limit", "margin", "passed"} <= set(check)
    names = [check["check"] for check in report["checks"]]
    assert len(set(names)) == len(names) and {"camera", "focus", "kernel", "guards", "soak-drops"} <= set(
        names
    )
    assert all(check["why"] for check in report["checks"] if check["passed"] is None)


def test_it_is_signed_by_the_unit_and_by_nobody_else(told: tuple[Path, bytes]) -> None:
    folder, data = told
    label = load_unit_keys(folder / "keys").signing.verify_key.fingerprint
    assert open_report(data, label).passed
    with pytest.raises(TrustError, match="another unit's report"):
        open_report(data, KeyRing.generate("fab", "unit", "u-2").signing.verify_key.fingerprint)


def altered(data: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(data) | changes).encode()


def test_what_was_altered_or_cut_short_is_refused(told: tuple[Path, bytes]) -> None:
    _, data = told
    report = json.loads(data)
    better = [check | {"value": 0.5} if check["check"] == "focus" else check for check in report["checks"]]
    stranger = KeyRing.generate("fab", "unit", "u-1").signing
    wrong = {
        "altered: the signature": altered(data, checks=better),
        "cut short": data[:-200],
        "not a report": b"{}",
        "unknown field": altered(data, more=1),
        "larger than": data + b" " * 70_000,
        "fingerprint that it names": altered(data, key=base64.b64encode(stranger.verify_key.raw).decode()),
    }
    for says, bad in wrong.items():
        with pytest.raises(TrustError, match=says):
            open_report(bad)
    copied = altered(data, fingerprint=stranger.verify_key.fingerprint)
    with pytest.raises(TrustError, match="fingerprint that it names"):
        open_report(copied)


def test_a_signature_over_another_document_or_an_untrue_verdict_does_not_pass(
    told: tuple[Path, bytes],
) -> None:
    folder, data = told
    ring = load_unit_keys(folder / "keys")
    report = msgspec.json.decode(data, type=dict)
    plain = msgspec.convert({k: v for k, v in report.items() if k != "signature"}, Report)
    other = base64.b64encode(ring.signing.sign(note_reading.encode("halt", plain))).decode()
    with pytest.raises(TrustError, match="signature"):
        open_report(altered(data, signature=other))
    failed = msgspec.structs.replace(plain.checks[0], passed=False)
    lie = msgspec.structs.replace(plain, checks=(failed, *plain.checks[1:]))
    with pytest.raises(TrustError, match="not to be believed"):
        open_report(sign_report(lie, ring))
    dark = msgspec.structs.replace(plain, checks=(SHUT, *plain.checks[1:]), profile="lab")
    with pytest.raises(TrustError, match="not to be believed"):
        open_report(sign_report(dark, ring))
    assert KIND == "self-test"


ROW = Check("camera", "stand", "", "any that has a name", None, True)
SHARP = Check("focus", 0.2, "cycles/px", "at least 0.1", 0.1, True)
SHUT = Check("camera", None, "", "", None, None, "nobody has authorised it")
UNTESTED = Check("button", None, "", "", None, None, "nobody was asked")
FAILED = Check("clock", 9.0, "s", "at most 5", -4.0, False, "too far off")


@pytest.mark.parametrize(
    ("profile", "checks", "passed"),
    [
        ("care", (ROW,), True),
        ("care", (ROW, UNTESTED), False),
        ("care", (ROW, FAILED), False),
        ("lab", (ROW, UNTESTED), True),
        ("lab", (ROW, FAILED), False),
        ("lab", (UNTESTED,), False),
        ("lab", (SHUT, SHARP), False),
        ("care", (SHUT, SHARP), False),
        ("lab", (SHARP,), False),
    ],
)
def test_what_was_not_tested_is_never_passed_for_care(
    profile: str, checks: tuple[Check, ...], passed: bool
) -> None:
    assert verdict(profile, checks) is passed


def test_the_page_is_read_on_a_telephone(told: tuple[Path, bytes]) -> None:
    """Nothing of it lies beside the screen, each number stands by its name, and nobody is shut out."""
    with board_browser.chromium() as browser:
        page = browser.new_context(bypass_csp=True).new_page()
        page.goto((told[0] / "report.html").as_uri())
        for width in (1000, 320, 420):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            narrow = page.locator("td.n").first.evaluate("e => getComputedStyle(e, '::before').content")
            assert ("Value" in narrow) == (width < 700)
        assert board_browser.violations(page) == []


def test_the_page_stands_alone(told: tuple[Path, bytes]) -> None:
    page = (told[0] / "report.html").read_text()
    assert "PASSED" in page and "not tested" in page and "@page" in page
    for elsewhere in ("http://", "https://", "<script", "<img", "@import", "url("):
        assert elsewhere not in page
    assert page.count('<tr class="') == len(json.loads(told[1])["checks"])


def test_make_verifies_it(told: tuple[Path, bytes], tmp_path: Path, capsys: Capture) -> None:
    report = told[0] / "report.json"
    label = json.loads(told[1])["fingerprint"]
    assert main(["make", "selftest", "verify", str(report), "--fingerprint", label]) == 0
    assert "whole, and signed by the unit" in capsys.readouterr().out
    assert (
        main(["make", "selftest", "verify", str(report), "--json", "--html", str(tmp_path / "p.html")]) == 0
    )
    assert json.loads(capsys.readouterr().out)["failed"] == []
    assert (tmp_path / "p.html").read_text() == (told[0] / "report.html").read_text()
    cut = tmp_path / "cut.json"
    cut.write_bytes(told[1][:900])
    for file, code in ((cut, 6), (tmp_path / "absent.json", 4)):
        assert main(["make", "selftest", "verify", str(file)]) == code
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and str(file) in err


def test_a_unit_with_a_fault_says_so_to_people_and_in_its_exit_code(tmp_path: Path, capsys: Capture) -> None:
    path, code = selftest(tmp_path, "--json", faults="absent = true")
    out = capsys.readouterr().out
    camera = json.loads(out)["checks"][0]
    assert code == 1 and camera["passed"] is False and "no camera was found" in camera["why"]
    report = tmp_path / "r.json"
    report.write_text(out)
    assert main(["make", "selftest", "verify", str(report), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["failed"] == ["camera"]
    assert main(["selftest", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert "FAILED      camera" in out and "NOT PASSED" in out


def test_the_example_of_a_phantom_is_sound_and_names_every_key() -> None:
    example = EXAMPLE.with_name("phantom.toml")
    assert set(config.read_toml(example)) == set(Phantom.__struct_fields__)
    assert load_phantom(example).rates == {"pulse_bpm": 72.0, "breaths_per_min": 15.0}


def test_the_example_of_limits_is_sound_names_every_key_and_has_the_defaults(capsys: Capture) -> None:
    raw = config.read_toml(EXAMPLE)
    found = {k for k, v in raw.items() if not isinstance(v, dict)}
    found |= {f"{table}.{k}" for table, v in raw.items() if isinstance(v, dict) for k in v}
    assert found == keys_of(SelfTestLimits) and load_limits(EXAMPLE) == SelfTestLimits()
    assert main(["check", str(EXAMPLE)]) == 0
    assert named(SelfTestLimits()).sha256 in capsys.readouterr().out
    lines = [line for line in EXAMPLE.read_text().splitlines() if "=" in line and not line.startswith("#")]
    assert all("#" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'limits_of' is missing"),
        ('limits_of = "x"\n[picture]\nsharpnes_least = 1.0', "did you mean 'sharpness_least'?"),
        ('limits_of = "x"\n[picture]\nsharpness_least = 0.9', "allowed is a number from 0.01 to 0.5"),
        ('limits_of = "x"\n[picture]\nluma_least = 220.0', "must be less than 'luma_most'"),
        ('limits_of = "x"\n[camera]\nmodel = "IMX 219"', "0 to 32 of a-z"),
        ("limits_of = 3", "limits_of"),
    ],
)
def test_limits_that_cannot_be_are_one_line(text: str, says: str, tmp_path: Path, capsys: Capture) -> None:
    path = factory_unit(tmp_path)
    wrong = tmp_path / "selftest.toml"
    wrong.write_text(text)
    assert main(["selftest", "--config", str(path)]) == 3, "the file beside unit.toml counts"
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and says in err and str(wrong) in err


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--hours", "-1"], 3, "from 0 to 1000"),
        (["--hours", "nan"], 3, "from 0 to 1000"),
        (["--phantom", "absent.toml"], 3, "absent.toml"),
        (["--limits", "absent.toml"], 3, "absent.toml"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    options: list[str], code: int, says: str, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["selftest", "--config", str(factory_unit(tmp_path)), *options]) == code
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and says in err


def test_a_key_of_another_unit_is_refused(tmp_path: Path, capsys: Capture) -> None:
    path = factory_unit(tmp_path)
    path.write_text(path.read_text().replace('unit = "u-1"', 'unit = "u-2"'))
    assert main(["selftest", "--config", str(path)]) == 6
    assert "the key of unit 'u-1'" in capsys.readouterr().err
