"""The demo's weights: fetched beside it, never awaited, nothing left behind; a unit that gets them while it runs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.live import LiveSite, processes_below, until

from stillroom_tools.lab.broker import find_program
from stillroom_tools.lab.demo_models import DemoModels


def test_where_the_weights_are_nothing_is_started(models, tmp_path, monkeypatch):
    shutil.copytree(models, tmp_path / "stillroom" / "models")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fetching = DemoModels(tmp_path / "log")
    fetching.start()
    assert fetching.note() == "" and not (tmp_path / "log").exists()
    fetching.stop()


def test_where_they_cannot_be_had_one_line_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    fetching = DemoModels(tmp_path / "log")
    fetching.start()
    assert "being fetched" in fetching.note(), "nobody waits for them"
    until(lambda: "being fetched" not in fetching.note(), "an end of the fetching")
    assert fetching.note().startswith("going on without models: the models could not be fetched")
    fetching.stop()


def test_a_demo_that_ends_ends_the_fetching_too(tmp_path, monkeypatch):
    """A registry that accepts and never answers."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        fetching = DemoModels(tmp_path / "log")
        fetching.start()
        until(lambda: len(processes_below(tmp_path)) >= 1, "pip at work")
        assert "being fetched" in fetching.note()
        fetching.stop()
        until(lambda: not processes_below(tmp_path), "no process of it")


def test_a_unit_says_model_none_until_the_weights_are_there_and_does_not_wait_for_them(models, tmp_path):
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    folder = Path("/tmp") / f"srm-{abs(hash(tmp_path)) % 10**8}"
    folder.mkdir(mode=0o700)
    site = LiveSite(folder, tls=False)
    try:
        unit = site.add_unit(width_px=640, height_px=480)
        site.start()
        until(lambda: site.has("gate", gate="open"), "a unit that runs without models")
        board = [sys.executable, "-m", "stillroom", "site", "watch", "--site", str(site.site), "--json"]
        with subprocess.Popen(board, stdout=subprocess.PIPE, text=True, env=os.environ) as watch:
            try:
                until_model(watch, "none")
                shutil.copytree(models, unit.folder / "models", dirs_exist_ok=True)
                until_model(watch, "blazepose")
            finally:
                watch.kill()
        site.settle()
        assert "Traceback" not in site.logs()
    finally:
        site.end()
        shutil.rmtree(folder)


def until_model(watch: subprocess.Popen[str], name: str) -> None:
    """Read the board's lines until a unit with a camera says this model."""
    assert watch.stdout is not None
    for text in watch.stdout:
        line = json.loads(text)
        if line["camera"] == "simulated" and line["model"] == name:
            return
    raise AssertionError(f"the board ended without model {name}")
