"""Every decoder under atheris, each for its share of the long tests' time. What is found becomes a test of its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

TARGETS = Path(__file__).parent / "fuzz" / "targets.py"
NAMES = [
    "record_as_it_is",
    "record_signed_anew",
    "body_of_a_record",
    "padding_of_a_record",
    "body",
    "note",
    "document",
    "parts_of_commands",
    "setting",
    "audit",
    "verifier_key",
    "key_file",
    "unit_configuration",
    "site_configuration",
    "link_message",
    "replay_state",
    "gateway_store",
    "recording",
    "of_a_batch",
    "of_a_selftest",
]
SLOWEST_S = 5
MOST_MIB = 1024
LEAST_S = 5


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_decoder_says_no_in_its_own_words(name: str, tmp_path: Path, long_s: float) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris has no wheel for this machine")
    options = [
        f"-max_total_time={max(int(long_s) - 5, LEAST_S)}",
        f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={MOST_MIB}",
        "-max_len=20000",
        f"-artifact_prefix={tmp_path}/",
    ]
    command = [sys.executable, TARGETS, name, *options]
    own = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, env=own, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr


def test_every_target_is_run() -> None:
    text = TARGETS.read_text(encoding="utf-8")
    listed = text.split("TARGETS: dict")[1].split("    )\n}")[0]
    assert [line.strip(" ,") for line in listed.splitlines() if line.startswith("        ")] == NAMES
