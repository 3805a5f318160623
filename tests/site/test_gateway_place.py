"""`[gateway] store`: what is a place, and what is told of what is none."""

import sys
from pathlib import Path

import pytest

from stillroom.cli import main
from stillroom.errors import ConfigError, SetupError, StorageError
from stillroom_tools.site.gateway.connecting import make_engine
from stillroom_tools.site.gateway.place import find, in_folder
from stillroom_tools.site.gateway.settings import GatewayConfig

SITE = Path("/srv/ward")


@pytest.mark.parametrize(
    ("url", "file"),
    [
        (GatewayConfig().store, "/srv/ward/gateway/gateway.db"),
        ("sqlite:///kept.db", "/srv/ward/kept.db"),
        ("sqlite:///../kept.db", "/srv/kept.db"),
        ("sqlite:////var/lib/kept.db", "/var/lib/kept.db"),
    ],
)
def test_a_file_counts_from_the_sites_folder(url: str, file: str) -> None:
    found = find(SITE, url)
    assert (str(found.file), found.words, found.url.database) == (file, file, file)


def test_a_server_is_named_without_its_password() -> None:
    found = find(SITE, "postgresql+psycopg://gateway:S3cret@db.example:5433/ward_7")
    assert found.file is None and found.url.password == "S3cret"
    assert found.words == "postgresql+psycopg://gateway:***@db.example:5433/ward_7"


def test_in_a_folder_it_has_the_usual_name() -> None:
    assert in_folder(SITE).file == SITE / "gateway.db"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gateway.db", "not a URL"),
        ("", "not a URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://host/kept.db", "names no file"),
        ("sqlite:///kept.db?mode=ro", "names no file"),
        ("postgresql://gateway:S3cret@db/ward", "'postgresql' is none that a gateway can use"),
        ("postgres+psycopg2://db/ward", "'postgres+psycopg2' is none"),
        ("mysql://db/ward", "'mysql' is none"),
        ("postgresql+psycopg://gateway:S3cret@db", "names no database"),
        ("postgresql+psycopg://gateway:S3cret@db:x/ward", "not a URL"),
    ],
)
def test_what_is_no_place_is_one_line(url: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find(SITE, url)
    said = str(caught.value)
    assert said.startswith("/srv/ward/site.toml: key 'gateway.store': ") and why in said
    assert "allowed are sqlite:///FILE" in said and "\n" not in said and "S3cret" not in said


@pytest.mark.parametrize(
    ("store", "code", "says"),
    [
        ("mysql://db/ward", ConfigError.exit_code, "key 'gateway.store': 'mysql' is none"),
        ("sqlite:////dev/null/kept.db", StorageError.exit_code, "/dev/null: cannot be used"),
        (
            "postgresql+psycopg://gateway:S3cret@127.0.0.1:1/ward",
            StorageError.exit_code,
            "gateway:***@127.0.0.1:1/ward: cannot be opened: ",
        ),
    ],
)
def test_the_gateway_says_it_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], store: str, code: int, says: str
) -> None:
    if "psycopg" in store:
        pytest.importorskip("psycopg")
    site = tmp_path / "site"
    assert main(["site", "new", str(site), "--site", "demo", "--no-tls"]) == 0
    with (site / "site.toml").open("a") as file:
        file.write(f'\n[gateway]\nstore = "{store}"\n')
    capsys.readouterr()
    assert main(["site", "gateway", "--site", str(site)]) == code
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1 and "S3cret" not in said


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SetupError, match=r"psycopg is missing: pip install 'stillroom\[postgres\]'"):
        make_engine(find(SITE, "postgresql+psycopg://db/ward"))
