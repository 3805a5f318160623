"""One root error. Each class owns its exit code; the command line prints the message as one line.

A message says what is wrong, where (file, key, value), what is allowed, and what to do.
The numbers are part of the interface: README lists them, and they never change their meaning.
"""

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class StillroomError(Exception):
    """Something a person can put right. `exit_code` is what the process ends with."""

    exit_code = 1


class UsageError(StillroomError):
    """Words on the command line that say nothing, or do not go together."""

    exit_code = EXIT_USAGE


class ConfigError(StillroomError):
    """A configuration file or scenario that cannot be used."""

    exit_code = 3


class InputError(StillroomError):
    """A recording, a table or another input that cannot be read."""

    exit_code = 4


class CameraError(StillroomError):
    """A camera that cannot be opened, or that stopped giving frames."""

    exit_code = 5


class TrustError(StillroomError):
    """A key, signature, authorisation or roster that is not accepted."""

    exit_code = 6


class WireError(StillroomError):
    """Bytes that are not an acceptable record. `reason` is a stable short code for counters."""

    exit_code = 6

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class BrokerError(StillroomError):
    """A broker that is absent, refuses, or answers what it should not."""

    exit_code = 7


class StorageError(StillroomError):
    """A disk or a database that is full, broken or not ours."""

    exit_code = 8


class SetupError(StillroomError):
    """Something this machine lacks: a package, a program, a permission."""

    exit_code = 9


class LinkError(StillroomError):
    """The socket between two of the three processes was refused or misused."""

    exit_code = 10
