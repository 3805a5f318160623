"""`[gateway] store`: what is a place, and what is told of what is none."""

from pathlib import Path

import pytest

from stillroom.errors import ConfigError
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
