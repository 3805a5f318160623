"""Which system calls each of the three processes gives up, and what the kernel answers to one that asks all the same.

A list of what is refused, not of what is allowed: which calls a camera's library makes is known only on its hardware,
and a unit that dies of a harmless one watches nobody. So it names every way to do what a process must not, and whatever
is newer than the list does not exist. Libraries ask for some of it and live without (a socket to hear of new devices, a
helper process): they get an error. What no library asks for ends the process.

Numbers are those of Linux, <asm/unistd_64.h> and <asm-generic/unistd.h>; tests compare them with both headers.
"""

import errno
import os
from dataclasses import dataclass
from typing import Literal

Process = Literal["eye", "keeper", "courier"]

KILL = 0x8000_0000
"""SECCOMP_RET_KILL_PROCESS"""
ALLOW = 0x7FFF_0000
NEWEST = 462
"""mseal, Linux 6.10, the same number on both; what came later answers ENOSYS until somebody has looked at it here."""


def refuse(number: int) -> int:
    """SECCOMP_RET_ERRNO."""
    return 0x0005_0000 | number


EPERM, ENOSYS, NO_FAMILY = refuse(errno.EPERM), refuse(errno.ENOSYS), refuse(errno.EAFNOSUPPORT)

UNIX, INET, INET6 = 1, 2, 10
_CLONE_THREAD = 0x0001_0000
_O_TMPFILE = 0o20_000_000
_CREATES = os.O_CREAT | os.O_TRUNC | os.O_APPEND | _O_TMPFILE
_WRITES = os.O_WRONLY | os.O_RDWR | _CREATES
_INTO_THE_TERMINAL = (0x5412, 0x541C, 0x4B3A, 0x4B4E)
"""TIOCSTI, TIOCLINUX, KDSETMODE, KDSKBSENT: typing for whoever sits at the terminal that started us."""
_OWN_GUARDS = (1, 4, 0x59616D61)
"""PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_PTRACER"""


@dataclass(frozen=True)
class When:
    """Only where `argument` (its low 32 bits, masked) is one of `values`, or, with `among` false, none of them."""

    argument: int
    values: tuple[int, ...]
    among: bool = True
    mask: int = 0xFFFF_FFFF


@dataclass(frozen=True)
class Rule:
    """Some calls, and what the kernel answers."""

    calls: str
    """Names with spaces between."""
    answer: int
    when: When | None = None


Group = tuple[Rule, ...]

PROGRAMS: Group = (Rule("execve execveat", KILL),)
PROCESSES: Group = (
    Rule("fork vfork", EPERM),
    Rule("clone", EPERM, When(0, (0,), mask=_CLONE_THREAD)),
    Rule(
        "clone3", ENOSYS
    ),  # its flags lie in memory, where a filter cannot look; libraries fall back to clone
)
OTHERS: Group = (
    Rule("ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp", KILL),
    Rule("perf_event_open", EPERM),
)
MACHINE: Group = (
    Rule(
        "mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr",
        KILL,
    ),
    Rule(
        "setns unshare open_by_handle_at init_module finit_module delete_module kexec_load kexec_file_load",
        KILL,
    ),
    Rule("reboot swapon swapoff iopl ioperm settimeofday clock_settime sethostname setdomainname acct", KILL),
    Rule("quotactl quotactl_fd syslog vhangup nfsservctl lookup_dcookie name_to_handle_at modify_ldt", EPERM),
    Rule("clock_adjtime adjtimex fanotify_init mknod mknodat", EPERM),
    Rule("ioctl", EPERM, When(1, _INTO_THE_TERMINAL)),
)
PAST_THE_FILTER: Group = (
    Rule("io_uring_setup io_uring_enter io_uring_register openat2 bpf userfaultfd", ENOSYS),
)
OWN_GUARDS: Group = (
    Rule("prctl", KILL, When(0, _OWN_GUARDS)),
    Rule("setrlimit munlock munlockall", EPERM),
    Rule("prlimit64", EPERM, When(2, (0,), among=False)),  # to set; reading them is everybody's
)
OUTLASTS: Group = (Rule("shmget shmat msgget msgsnd semget mq_open add_key request_key keyctl", EPERM),)
"""Memory of the kernel's that is still there when the process is gone."""
_FILES: Group = (
    Rule(
        "creat mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir",
        EPERM,
    ),
    Rule(
        "truncate chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat",
        EPERM,
    ),
    Rule("setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr", EPERM),
)


def _opens(flags: int) -> Group:
    return (
        Rule("open", EPERM, When(1, (0,), among=False, mask=flags)),
        Rule("openat", EPERM, When(2, (0,), among=False, mask=flags)),
    )


NO_WRITING: Group = _FILES + _opens(_WRITES)
NO_NEW_FILES: Group = _FILES + _opens(_CREATES | os.O_WRONLY)
"""For an eye with a camera of its own: device nodes are opened for reading and writing, and a filter sees no paths.
Which nodes, Landlock says, where the kernel has it; elsewhere the file's permissions."""

NO_DESCRIPTORS: Group = (Rule("sendmsg sendmmsg", EPERM),)
"""Nothing we send needs them, and only they can hand a descriptor over."""
NO_SOCKETS: Group = (Rule("socket socketpair connect bind listen accept accept4", EPERM),)


def families(*allowed: int) -> Group:
    """Sockets of these address families alone."""
    return (Rule("socket", NO_FAMILY, When(0, allowed, among=False)),)


_ALL = PROGRAMS + PROCESSES + OTHERS + MACHINE + PAST_THE_FILTER + OWN_GUARDS + OUTLASTS

AT_START: dict[Process, Group] = {
    "eye": _ALL + NO_WRITING + families(UNIX) + NO_DESCRIPTORS,
    "keeper": _ALL + families(UNIX) + NO_DESCRIPTORS + (Rule("connect", EPERM),),
    # sendmmsg: glibc asks name servers with it.
    "courier": _ALL + NO_WRITING + families(UNIX, INET, INET6) + (Rule("sendmsg", EPERM),),
}
WITH_OWN_CAMERA: Group = _ALL + NO_NEW_FILES + families(UNIX) + NO_DESCRIPTORS
"""In place of the eye's above."""

WHEN_CONNECTED: dict[Literal["eye", "courier"], Group] = {
    "eye": NO_SOCKETS,
    # Not the keeper's other door either: nobody else may knock there as an eye.
    "courier": families(INET, INET6),
}
"""Given up too, once the link to the keeper is there."""

NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "accept": (43, 202),
    "accept4": (288, 242),
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bind": (49, 200),
    "bpf": (321, 280),
    "chmod": (90, None),
    "chown": (92, None),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "connect": (42, 203),
    "creat": (85, None),
    "delete_module": (176, 106),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fanotify_init": (300, 262),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "finit_module": (313, 273),
    "fork": (57, None),
    "fremovexattr": (199, 16),
    "fsconfig": (431, 431),
    "fsetxattr": (190, 7),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "futimesat": (261, None),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lchown": (94, None),
    "link": (86, None),
    "linkat": (265, 37),
    "listen": (50, 201),
    "lookup_dcookie": (212, 18),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "munlock": (150, 229),
    "munlockall": (152, 231),
    "name_to_handle_at": (303, None),
    "nfsservctl": (180, 42),
    "open": (2, None),
    "open_by_handle_at": (304, None),
    "open_tree": (428, 428),
    "openat": (257, 56),
    "openat2": (437, 437),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "removexattr": (197, 14),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "request_key": (249, 218),
    "rmdir": (84, None),
    "semget": (64, 190),
    "sendmmsg": (307, 269),
    "sendmsg": (46, 211),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "setrlimit": (160, 164),
    "settimeofday": (164, 170),
    "setxattr": (188, 5),
    "shmat": (30, 196),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "syslog": (103, 116),
    "truncate": (76, 45),
    "umount2": (166, 39),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
    "vfork": (58, None),
    "vhangup": (153, 58),
}
"""On x86-64 and aarch64; None where there is no such call."""
