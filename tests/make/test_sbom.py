"""The bill of materials: valid CycloneDX, of what is there, the same each time."""

import json
from importlib.metadata import distributions
from pathlib import Path

import pytest

from stillroom_tools.make import sbom


def written(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert sbom.main(arguments) == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def a_fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")


def test_it_is_cyclonedx(capsys: pytest.CaptureFixture[str]):
    schema = pytest.importorskip("cyclonedx.schema", reason="cyclonedx-python-lib is not installed")
    validation = pytest.importorskip("cyclonedx.validation.json")
    judge = validation.JsonStrictValidator(schema.SchemaVersion.V1_5)
    text = written(capsys)
    assert judge.validate_str(text) is None
    broken = json.loads(text)
    broken["components"][0]["type"] = "nothing"
    assert judge.validate_str(json.dumps(broken)) is not None


def test_it_names_what_is_there(capsys: pytest.CaptureFixture[str]):
    bill = json.loads(written(capsys))
    assert bill["metadata"]["component"]["name"] == "stillroom"
    named = {row["name"]: row["version"] for row in bill["components"]}
    assert {"numpy", "cffi", "pynacl", "paho-mqtt", "msgspec"} <= named.keys()
    there = {one.metadata["Name"].lower(): one.version for one in distributions()}
    assert named["msgspec"] == there["msgspec"]
    ours = next(row for row in bill["dependencies"] if row["ref"] == bill["metadata"]["component"]["bom-ref"])
    assert any(ref.startswith("pkg:pypi/pynacl@") for ref in ours["dependsOn"])
    refs = {row["bom-ref"] for row in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {ref for row in bill["dependencies"] for ref in (row["ref"], *row["dependsOn"])} <= refs


def test_the_same_packages_give_the_same_bytes(capsys: pytest.CaptureFixture[str]):
    assert written(capsys) == written(capsys)


def test_an_empty_folder_holds_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert json.loads(written(capsys, "--packages", str(tmp_path)))["components"] == []
