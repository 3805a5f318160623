"""What many tests share: real recordings, a broker of one's own, and the time that long tests may take."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stillroom.errors import SetupError
from stillroom.eye.weights import find as find_models
from stillroom_tools.lab.broker import LocalBroker, find_program

if TYPE_CHECKING:
    from tests.live import LiveSite

REPOSITORY = Path(__file__).resolve().parent.parent
LONG_S = 1800.0
LONGEST_TEST_S = 3600
FIRST = [
    "lab/test_scenarios",
    "test_end_to_end",
    "site/test_connect",
    "test_zero_persistence",
    "test_metronome",
    "test_end_to_end_alerts",
    "lab/test_breathing_controls",
    "native/test_native",
    "site/board/test_browser",
    "lab/test_evaluate_room",
    "test_end_to_end_view",
    "test_second",
    "test_nats",
    "test_end_to_end_card",
    "test_services_live",
    "site/test_alerts_live",
    "site/test_alerts",
    "test_stop",
    "eye/test_health",
    "lab/test_demo",
    "intruder/test_intruder",
    "test_end_to_end_camera",
    "test_crashes",
    "site/test_connect_doors",
    "site/test_gateway_outage",
    "site/board/test_listen",
    "site/test_gateway",
    "test_people_in_rooms",
    "make/test_interrupted",
    "keeper/test_month_offline",
]
"""Files of ten seconds and more, in this order before all others: where processes share the files, none of these is
left to one of them at the end. What computes stands between what waits."""
MODELS = REPOSITORY / ".cache" / "models"
"""Where `tools/test` puts the weights."""

# As `stillroom run` has it: the eye's matrices are small, and threads that wait for each other cost twice the time.
# NumPy reads it when it is first imported, so nothing above may do that.
assert "numpy" not in sys.modules
os.environ["OPENBLAS_NUM_THREADS"] = "1"

# What a developer has in the user's own cache must not change what a test sees, and no test may fill it.
os.environ["XDG_CACHE_HOME"] = "/dev/null/no-cache"

# Nor what his terminal, or whoever runs the tests, wants of output: tests read words, without colours, at their widths.
for _wish in ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
    os.environ.pop(_wish, None)


# Chromium has sockets below TMPDIR, and the kernel 107 bytes for the path of each.
if len(tempfile.gettempdir()) > 40:
    os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """`real("face-53bpm.mp4")`: its path in `shared/real` beside or above the repository; skips where it is absent."""

    def find(name: str) -> Path:
        for folder in (REPOSITORY, *REPOSITORY.parents):
            path = folder / "shared" / "real" / name
            if path.exists():
                return path
        pytest.skip(f"shared/real/{name} is not here")

    return find


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the weights; skips by name where `tools/test` could not fetch them, or nothing runs them."""
    from stillroom.eye.interpreter import library

    if find_models(MODELS) is None:
        pytest.skip("the weights are not here: .venv/bin/stillroom models fetch --into .cache/models")
    try:
        library()
    except SetupError as error:
        pytest.skip(str(error))
    return MODELS


@pytest.fixture
def broker() -> Iterator[LocalBroker]:
    """A running mosquitto of the test's own; skips where mosquitto is not installed."""
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with LocalBroker("mosquitto") as running:
        yield running


@pytest.fixture(params=["mosquitto", "nats"])
def any_broker(request: pytest.FixtureRequest) -> Iterator[LocalBroker]:
    """The test once with mosquitto and once with NATS server; skips by name where one is not installed."""
    if find_program(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    with LocalBroker(request.param) as running:
        yield running


@pytest.fixture
def live() -> Iterator["LiveSite"]:
    """A whole site of the test's own, not started; nothing of it outlives the test. Skips without mosquitto."""
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    from tests.live import LiveSite, processes_below

    # A short name: systemd's stand-in listens there too, at a name of at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp"))
    site = LiveSite(folder)
    yield site
    site.end()
    print(site.logs())  # shown where the test has failed
    assert not processes_below(folder), "nothing of it may still run"
    shutil.rmtree(folder)


SWAP_ON = ["swapon", "--priority", "32767"]
"""Before all other swap of this machine: what is swapped out comes here."""


@pytest.fixture
def swap_file() -> Iterator[Path]:
    """Swap of the test's own, larger than a unit; skips where it cannot be had."""
    path = Path(tempfile.mkdtemp(prefix="sr-swap-", dir="/var/tmp")) / "swap"
    path.write_bytes(bytes(256 << 20))
    path.chmod(0o600)
    path_words = os.environ["PATH"] + ":/usr/sbin:/sbin"
    made = [
        subprocess.run([*words, path], capture_output=True, env={"PATH": path_words}, check=False).returncode
        if shutil.which(words[0], path=path_words)
        else 1
        for words in (["mkswap"], SWAP_ON)
    ]
    try:
        if made != [0, 0]:
            pytest.skip("no swap file can be used here (root, mkswap and swapon are needed)")
        yield path
    finally:
        if made == [0, 0]:
            subprocess.run(["swapoff", path], check=True, env={"PATH": path_words})
        shutil.rmtree(path.parent)


@pytest.fixture
def long_s(request: pytest.FixtureRequest) -> float:
    """Seconds that this `long` test may take: its equal share of STILLROOM_LONG_S, which is for all of a run."""
    together_s = float(os.environ.get("STILLROOM_LONG_S", LONG_S))
    long_tests = sum(1 for item in request.session.items if item.get_closest_marker("long"))
    return together_s / max(long_tests, 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {REPOSITORY / "tests" / f"{name}.py": place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONGEST_TEST_S))
