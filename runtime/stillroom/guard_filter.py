"""Rules about system calls as a program for the kernel (seccomp, classic BPF), and its installation.

Written here rather than by libseccomp: it is a table and forty lines, needs no further package, and a test runs the
very same program over every call of both machines. See seccomp(2), <linux/filter.h>, <linux/seccomp.h>.
"""

import ctypes
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stillroom.guard_calls import ALLOW, ENOSYS, KILL, NEWEST, NUMBERS, Group, Rule, When

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANSWER = 0x20, 0x54, 0x15, 0x35, 0x06
_AT_NUMBER, _AT_MACHINE, _AT_ARGUMENTS = 0, 4, 16
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_OTHER_ABI = 0x4000_0000
"""x86-64 counts the calls of its x32 ABI from here: other numbers for the same calls."""


@dataclass(frozen=True)
class Machine:
    """What the kernel calls it (AUDIT_ARCH_*), where its numbers stand in a row of `NUMBERS`, and seccomp's own."""

    audit: int
    column: int
    seccomp: int


MACHINES = {"x86_64": Machine(0xC000_003E, 0, 317), "aarch64": Machine(0xC000_00B7, 1, 277)}


@dataclass(frozen=True)
class Step:
    """One instruction: operation, steps to leave out where a comparison holds and where it does not, operand."""

    code: int
    yes: int = 0
    no: int = 0
    value: int = 0


def program(group: Group, machine: Machine) -> list[Step]:
    """What the kernel is to run before each call: of another machine: kill; not refused: allowed."""
    steps = [Step(_LOAD, value=_AT_MACHINE), Step(_EQUAL, 1, 0, machine.audit), Step(_ANSWER, value=KILL)]
    steps += [Step(_LOAD, value=_AT_NUMBER)]
    steps += [Step(_AT_LEAST, 0, 1, _OTHER_ABI), Step(_ANSWER, value=KILL)]
    steps += [Step(_AT_LEAST, 0, 1, NEWEST + 1), Step(_ANSWER, value=ENOSYS)]
    for rule in group:
        block = _block(rule)
        for number in _numbers(rule, machine):
            steps += [Step(_EQUAL, 0, len(block), number), *block]
    return [*steps, Step(_ANSWER, value=ALLOW)]


def _numbers(rule: Rule, machine: Machine) -> Iterable[int]:
    found = (NUMBERS[name][machine.column] for name in rule.calls.split())
    return (number for number in found if number is not None)


def _block(rule: Rule) -> list[Step]:
    """What is done about a call of this rule. Always ends in an answer."""
    refused = Step(_ANSWER, value=rule.answer)
    return [refused] if rule.when is None else _judge(rule.when, refused)


def _judge(when: When, refused: Step) -> list[Step]:
    # Little-endian machines, both: the low half of an argument lies first. The kernel reads no more of these.
    allowed, count = Step(_ANSWER, value=ALLOW), len(when.values)
    compare = [Step(_EQUAL, count - place, 0, value) for place, value in enumerate(when.values)]
    answers = [allowed, refused] if when.among else [refused, allowed]
    return [
        Step(_LOAD, value=_AT_ARGUMENTS + 8 * when.argument),
        Step(_AND, value=when.mask),
        *compare,
        *answers,
    ]


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Instruction))]


def install(group: Group) -> None:
    """For all threads of this process, for good. Needs no_new_privs. Raises OSError: not this kernel or machine."""
    name = os.uname().machine
    if name not in MACHINES:
        raise OSError(0, f"not written for {name}")
    machine = MACHINES[name]
    libc = ctypes.CDLL(None, use_errno=True)
    ready = _packed(program(group, machine))
    code = libc.syscall(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(ready))
    if code:
        number = ctypes.get_errno()
        raise OSError(number, "a thread has another filter" if code > 0 else os.strerror(number))


def _packed(steps: Sequence[Step]) -> _Program:
    array = (_Instruction * len(steps))(*(_Instruction(s.code, s.yes, s.no, s.value) for s in steps))
    return _Program(len(steps), array)
