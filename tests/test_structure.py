"""Who may import whom, and what lies where: the walls between the three processes are first of all import rules.

Read from the source (so a lazy import counts too), and for what a process must not hold also from a real import.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ROOTS = (REPOSITORY / "runtime", REPOSITORY / "runtime" / "release", REPOSITORY / "tools")
PROCESSES = ("eye", "keeper", "courier")
TOP_LEVEL = {
    *("pyproject.toml", "README.md", "LICENSE", "SECURITY.md", "MANIFEST.in"),
    *("runtime", "native", "config", "tests", "tools", "systemd"),
}
MADE_BY_TOOLS = {"build", "dist", "stillroom.egg-info"}
PIXELS = {"numpy", "picamera2", "libcamera", "av", "cv2", "PIL", "ai_edge_litert", "tflite_runtime"}
"""What can hold or open a picture."""


def modules() -> dict[str, set[str]]:
    """Each of our modules with the dotted names it imports anywhere, relative ones resolved."""
    found = {}
    for root in ROOTS:
        for path in sorted(root.rglob("*.py")):
            if any(
                path.is_relative_to(other) for other in ROOTS if other.is_relative_to(root) and other != root
            ):
                continue
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            found[name] = set(imported(ast.parse(path.read_text(encoding="utf-8")), package))
    return found


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """`import a.b` gives a.b; `from a import b` gives a and a.b, since b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


MODULES = modules()


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def users_of(package: str) -> set[str]:
    return {name for name, uses in MODULES.items() if any(within(use, package) for use in uses)}


def reached_from(start: str) -> set[str]:
    """`start` and all our modules that it can come to load, lazily too."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in MODULES and name not in seen:
            seen.add(name)
            waiting.extend(MODULES[name])
    return seen


def test_the_reader_of_imports_reads_them() -> None:
    tree = ast.parse("import a.b\nfrom c import d\ndef f():\n    from . import e\n    from ..g import h\n")
    assert set(imported(tree, "p.q")) == {"a.b", "c", "c.d", "p.q", "p.q.e", "p.g", "p.g.h"}
    assert "stillroom.errors" in MODULES["stillroom.config"]
    assert {"stillroom.keeper.main", "stillroom.link"} <= reached_from("stillroom.keeper.main")


@pytest.mark.parametrize("process", PROCESSES)
def test_processes_never_import_one_another(process: str) -> None:
    own = f"stillroom.{process}"
    others = [f"stillroom.{other}" for other in PROCESSES if other != process]
    for name, uses in MODULES.items():
        if within(name, own):
            crossing = {use for use in uses if any(within(use, other) for other in others)}
            assert not crossing, f"{name} imports {crossing}"


def test_runtime_never_imports_the_tools() -> None:
    assert {name for name in users_of("stillroom_tools") if within(name, "stillroom")} == set()


@pytest.mark.parametrize("process", ["keeper", "courier"])
def test_keeper_and_courier_can_not_come_to_hold_a_picture(process: str) -> None:
    for name in reached_from(f"stillroom.{process}.main"):
        assert not MODULES[name] & PIXELS, f"{name} imports {MODULES[name] & PIXELS}"
        assert not within(name, "stillroom.eye"), name


@pytest.mark.parametrize("process", ["eye", "keeper"])
def test_eye_and_keeper_can_not_come_to_speak_to_a_network(process: str) -> None:
    for name in reached_from(f"stillroom.{process}.main"):
        assert not any(within(use, "paho") or within(use, "ssl") for use in MODULES[name]), name


def test_eye_and_courier_can_not_come_to_read_a_key() -> None:
    assert "stillroom.keys" not in reached_from("stillroom.eye.main")
    assert reached_from("stillroom.courier.main") & users_of("nacl") == set()


def test_one_file_speaks_mqtt() -> None:
    assert users_of("paho") == {"stillroom.mqtt_client"}
    assert users_of("stillroom.mqtt") <= {
        "stillroom.courier.main",
        "stillroom_tools.site.home_assistant.main",
        "stillroom_tools.site.subscriber",
    }


def test_one_file_speaks_picamera2() -> None:
    assert users_of("picamera2") <= {"stillroom.eye.picamera"}
    assert users_of("libcamera") <= {"stillroom.eye.picamera"}


@pytest.mark.parametrize(
    ("process", "never"),
    [
        ("eye", {"paho", "sqlite3", "stillroom.keys"}),
        ("keeper", {"numpy", "paho", "stillroom._native"}),
        ("courier", {"numpy", "nacl", "sqlite3", "stillroom._native"}),
    ],
)
def test_what_a_process_has_loaded_after_its_imports(process: str, never: set[str]) -> None:
    code = f"import stillroom.{process}.main, sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not never & set(done.stdout.split())


def test_every_module_says_what_it_is_for() -> None:
    for root in ROOTS:
        for path in root.rglob("*.py"):
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_top_level_is_fixed() -> None:
    there = {path.name for path in REPOSITORY.iterdir() if not path.name.startswith(".")}
    assert there - MADE_BY_TOOLS <= TOP_LEVEL


def test_the_python_environment_finds_this_repository() -> None:
    """A second checkout's tests must not run against the first one's code."""
    import stillroom

    assert stillroom.__file__ is not None
    assert Path(stillroom.__file__).is_relative_to(REPOSITORY)


def test_the_files_that_run_first_are_there() -> None:
    from tests.conftest import FIRST

    assert [name for name in FIRST if not (REPOSITORY / "tests" / f"{name}.py").is_file()] == []
