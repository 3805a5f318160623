"""The program of the system-call filter, run here over every call of both machines, as the kernel would run it."""

import re
from pathlib import Path

import pytest

from stillroom.guard_calls import (
    ALLOW,
    AT_START,
    ENOSYS,
    EPERM,
    KILL,
    NEWEST,
    NO_FAMILY,
    NUMBERS,
    WHEN_CONNECTED,
    WITH_OWN_CAMERA,
    Group,
)
from stillroom.guard_filter import MACHINES, Machine, Step, program

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ALL: dict[str, Group] = {
    **{f"{name}": group for name, group in AT_START.items()},
    "eye with its own camera": WITH_OWN_CAMERA,
    **{f"{name} connected": group for name, group in WHEN_CONNECTED.items()},
}


def answer(steps: list[Step], machine: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel would answer. Raises where the program jumps out of itself or does not end."""
    data = {0: number, 4: machine}
    for place, value in enumerate(arguments):
        data[16 + 8 * place], data[20 + 8 * place] = value & 0xFFFF_FFFF, value >> 32
    register, at = 0, 0
    for _ in range(len(steps)):
        step = steps[at]
        at += 1
        if step.code == 0x20:
            register = data.get(step.value, 0)
        elif step.code == 0x54:
            register &= step.value
        elif step.code == 0x15:
            at += step.yes if register == step.value else step.no
        elif step.code == 0x35:
            at += step.yes if register >= step.value else step.no
        else:
            assert step.code == 0x06
            return step.value
    raise AssertionError("no answer")


def ask(group: Group, machine: Machine, call: str, *arguments: int) -> int | None:
    """None where the machine has no such call."""
    number = NUMBERS[call][machine.column]
    return None if number is None else answer(program(group, machine), machine.audit, number, arguments)


@pytest.fixture(params=MACHINES)
def machine(request) -> Machine:
    return MACHINES[request.param]


@pytest.mark.parametrize("name", MACHINES)
def test_numbers_are_those_of_the_kernels_headers(name):
    path = HEADERS[name]
    if not path.exists():
        pytest.skip(f"{path} is not here (linux-libc-dev)")
    found = re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", path.read_text())
    there = {call: int(number) for call, number in found}
    newest = max(there.values())
    column = MACHINES[name].column
    wrong = {c: (n[column], there.get(c)) for c, n in NUMBERS.items() if n[column] != there.get(c)}
    assert {c: row for c, row in wrong.items() if row[0] is None or row[0] <= newest} == {}


@pytest.mark.parametrize("name", ALL)
def test_the_program_answers_every_call_and_fits_the_kernel(name, machine):
    steps = program(ALL[name], machine)
    assert len(steps) <= 4096
    assert all(0 <= step.yes < 256 and 0 <= step.no < 256 for step in steps)
    refused = {n[machine.column] for rule in ALL[name] for n in (NUMBERS[c] for c in rule.calls.split())}
    for number in range(NEWEST + 1):
        found = answer(steps, machine.audit, number, (1, 1, 1, 1, 1, 1))
        assert found == ALLOW or number in refused, number


@pytest.mark.parametrize("name", ALL)
def test_another_machines_calls_kill_and_newer_ones_do_not_exist(name, machine):
    steps = program(ALL[name], machine)
    for audit in (0x4000_0003, 0x4000_0028, 0, *(m.audit for m in MACHINES.values() if m != machine)):
        assert answer(steps, audit, 0) == KILL
    assert answer(steps, machine.audit, 0x4000_0000 + 59) == KILL
    assert answer(steps, machine.audit, 0xFFFF_FFFF) == KILL
    assert answer(steps, machine.audit, NEWEST + 1) == ENOSYS


@pytest.mark.parametrize("name", [*AT_START, "eye with its own camera"])
@pytest.mark.parametrize(
    ("call", "arguments", "wanted"),
    [
        ("execve", (), KILL),
        ("execveat", (), KILL),
        ("fork", (), EPERM),
        ("vfork", (), EPERM),
        ("clone", (17,), EPERM),
        ("clone", (0x0121_0000 | 0x0F00,), ALLOW),
        ("clone3", (), ENOSYS),
        ("ptrace", (), KILL),
        ("process_vm_readv", (), KILL),
        ("pidfd_getfd", (), KILL),
        ("mount", (), KILL),
        ("swapon", (), KILL),
        ("io_uring_setup", (), ENOSYS),
        ("openat2", (), ENOSYS),
        ("bpf", (), ENOSYS),
        ("prctl", (4, 1), KILL),
        ("prctl", (15,), ALLOW),
        ("prctl", (0x1_0000_0004, 1), KILL),  # an int: the kernel looks at the low half alone, and so do we
        ("prlimit64", (0, 4, 0x7FFF_0000_1000), EPERM),
        ("prlimit64", (0, 4, 0), ALLOW),
        ("shmget", (), EPERM),
        ("sendmsg", (), EPERM),
        ("socket", (16,), NO_FAMILY),
        ("socket", (17,), NO_FAMILY),
        ("socket", (40,), NO_FAMILY),
        ("socket", (1,), ALLOW),
    ],
)
def test_what_no_process_may(name, machine, call, arguments, wanted):
    assert ask(ALL[name], machine, call, *arguments) in {wanted, None}


READ, WRITE, BOTH, CREATE, TRUNCATE, TEMPORARY = 0, 1, 2, 0o100, 0o1000, 0o20_000_000
DIRECTORY = {"x86_64": 0o200_000, "aarch64": 0o40_000}


@pytest.mark.parametrize("name", ["eye", "courier", "eye with its own camera"])
@pytest.mark.parametrize("flags", [WRITE, CREATE, BOTH | CREATE, TRUNCATE, BOTH | TEMPORARY, 3, 0o2000])
def test_eye_and_courier_make_and_write_no_file(name, machine, flags):
    assert ask(ALL[name], machine, "openat", 0, 0, flags) == EPERM
    assert ask(ALL[name], machine, "open", 0, flags) in {EPERM, None}
    for call in (
        "renameat2",
        "mkdirat",
        "linkat",
        "symlinkat",
        "unlinkat",
        "truncate",
        "setxattr",
        "mknodat",
    ):
        assert ask(ALL[name], machine, call) == EPERM


def test_only_an_eye_with_its_own_camera_opens_for_both(machine):
    assert ask(WITH_OWN_CAMERA, machine, "openat", 0, 0, BOTH) == ALLOW
    for name in ("eye", "courier"):
        assert ask(AT_START[name], machine, "openat", 0, 0, BOTH) == EPERM
    for name, found in MACHINES.items():
        for group in (AT_START["eye"], AT_START["courier"], WITH_OWN_CAMERA):
            assert ask(group, found, "openat", 0, 0, READ | DIRECTORY[name] | 0o2_000_000) == ALLOW


def test_sockets(machine):
    for family in (2, 10):
        assert ask(AT_START["eye"], machine, "socket", family) == NO_FAMILY
        assert ask(AT_START["keeper"], machine, "socket", family) == NO_FAMILY
        assert ask(AT_START["courier"], machine, "socket", family) == ALLOW
        assert ask(WHEN_CONNECTED["courier"], machine, "socket", family) == ALLOW
    assert ask(AT_START["keeper"], machine, "connect") == EPERM
    assert ask(WHEN_CONNECTED["courier"], machine, "socket", 1) == NO_FAMILY
    for call in ("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"):
        assert ask(WHEN_CONNECTED["eye"], machine, call, 1) == EPERM
