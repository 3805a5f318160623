"""The sockets between the three processes, and every message that crosses them.

SOCK_SEQPACKET at path names (an abstract name does not cross a private network namespace): one message
is one packet, so there is no framing to get wrong. Each end checks who the other is with SO_PEERCRED,
and a packet that carries descriptors ends the link: a camera or a socket cannot be handed over.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from stillroom.errors import LinkError, SetupError
from stillroom.files import MAX_FILE_BYTES
from stillroom.observation import MAX_PEOPLE, Nanoseconds, Observation, Posture
from stillroom.release_forms import MAX_BODY_BYTES, PIECE_BYTES, RECORDING_BYTES, RELEASE_BYTES
from stillroom.view_forms import VIEW_ID_BYTES, Blank

EYE_SOCKET = "eye.sock"
COURIER_SOCKET = "courier.sock"
EYE_START = "eye.start"
"""While this file is in the run folder the eye may be started; only the keeper makes and removes it."""
EYE_END = "eye.end"
"""While this one is there, none may be alive: for systemd, which can wait for a file to come and not for one to go."""

MAX_PACKET_BYTES = 65_536
_MOST_NAME_BYTES = 107
"""Of a socket's name, by the kernel (unix(7))."""
_PEER = struct.Struct("3i")

Record = Annotated[bytes, Meta(max_length=32_768)]
Text = Annotated[str, Meta(max_length=240)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
NoteKind = Literal["roster", "authorisation", "view-policy", "view-request", "release"]


class Hello(Struct, frozen=True, tag="hello", forbid_unknown_fields=True):
    """Eye to keeper, once: which camera it opened."""

    camera: Annotated[str, Meta(pattern=r"\A[a-z0-9]{1,16}\Z")]
    model: Annotated[str, Meta(pattern=r"\A[a-z0-9.-]{1,16}\Z")]


class Fault(Struct, frozen=True, tag="fault", forbid_unknown_fields=True):
    """Eye to keeper: why it is about to end."""

    code: Literal["camera-failed", "recording-ended"]
    """A technical condition, and none of those that are not the eye's to tell."""
    text: Text


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was asked of a camera, and what came of it; `not offered` where the camera has no such thing."""

    name: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9]{1,32}\Z")]
    asked: Annotated[str, Meta(max_length=40)]
    got: Annotated[str, Meta(max_length=40)]


class Held(Struct, frozen=True, forbid_unknown_fields=True):
    """One guard of a process, and whether it holds; if not, why."""

    name: Annotated[str, Meta(pattern=r"\A[a-z-]{1,24}\Z")]
    held: bool
    why: Text


class Guarded(Struct, frozen=True, tag="guarded", forbid_unknown_fields=True):
    """Eye or courier to keeper, once, at first: what it forbids itself."""

    rows: Annotated[tuple[Held, ...], Meta(max_length=12)]

    @property
    def missing(self) -> str:
        """Names of the guards that do not hold, with spaces between, or `none`."""
        return " ".join(row.name for row in self.rows if not row.held)[:120] or "none"


class CameraSettings(Struct, frozen=True, tag="camera-settings", forbid_unknown_fields=True):
    """Eye to keeper, when the camera has given its first frame, was opened again, or changed between day and night.

    The names in `differ` become the technical condition `camera-settings`; all of it stands in the unit's status.
    """

    profile: Literal["day", "night"]
    opened: Number
    """How often this eye has opened the camera: 1 the first time."""
    settings: Annotated[tuple[Setting, ...], Meta(max_length=24)]
    differ: Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=24)]
    """Names of those that are not as asked."""


PerMille = Annotated[int, Meta(ge=-500, le=1500)]


class Drawn(Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of a view: how it is held and where its feet (lying: its middle) are, in thousandths of the picture.

    size: standing, in thousandths of the picture's height. turn_deg: of a lying one, head to the right at 90.
    """

    posture: Posture
    x: PerMille
    y: PerMille
    size: PerMille
    turn_deg: Annotated[int, Meta(ge=-180, le=180)] = 0


class Note(Struct, frozen=True, tag="note", forbid_unknown_fields=True):
    """Keeper to eye: a signed paper as it was signed, in place of one of its kind before. The eye verifies it."""

    kind: NoteKind
    text: Annotated[bytes, Meta(max_length=MAX_FILE_BYTES)]


class Unbelieved(Struct, frozen=True, tag="unbelieved", forbid_unknown_fields=True):
    """Eye to keeper: what it was asked to do, and does not: the papers do not allow it, or are not there."""

    what: Literal["camera", "look", "release"]
    why: Annotated[str, Meta(pattern=r"\A[a-z-]{1,24}\Z")]
    """The code of a refusal (`permits.py`, `note_reading.py`)."""
    text: Text


class ViewAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """One frame of a view that runs. To whom it is sealed, and what it may show, the signed request says."""

    view: Annotated[bytes, Meta(min_length=VIEW_ID_BYTES, max_length=VIEW_ID_BYTES)]
    sender_id: Annotated[bytes, Meta(min_length=8, max_length=8)]
    """Key id of the unit's signing key."""
    number: Annotated[int, Meta(ge=0, le=65_535)]
    left_ms: Annotated[int, Meta(ge=0, le=60_000)]
    blank: Blank
    """Why it must show nothing; `shown`: it may show something."""
    figures: Annotated[tuple[Drawn, ...], Meta(max_length=MAX_PEOPLE)] = ()


class ViewFrame(Struct, frozen=True, tag="view-frame", forbid_unknown_fields=True):
    """Eye to keeper: a sealed frame, which the keeper signs and cannot open."""

    number: Annotated[int, Meta(ge=0, le=65_535)]
    sealed: Record


class RecordAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A recording that runs under a signed release, which says to whom it is sealed, of which size and pace."""

    sender_id: Annotated[bytes, Meta(min_length=8, max_length=8)]
    """Key id of the unit's signing key."""
    release: Annotated[bytes, Meta(min_length=RELEASE_BYTES, max_length=RELEASE_BYTES)]
    recording: Annotated[bytes, Meta(min_length=RECORDING_BYTES, max_length=RECORDING_BYTES)]
    first: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    """Number of the next chunk: an eye that takes over from another goes on with it."""
    began_ns: Nanoseconds
    """Of the monotonic clock: the times of frames count from there."""


class Piece(Struct, frozen=True, tag="piece", forbid_unknown_fields=True):
    """Eye to keeper: a part of a sealed chunk, which the keeper signs, writes, and cannot open."""

    recording: Annotated[bytes, Meta(min_length=RECORDING_BYTES, max_length=RECORDING_BYTES)]
    number: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    """Of the chunk."""
    at: Annotated[int, Meta(ge=0, le=MAX_BODY_BYTES)]
    """Where in the chunk's body it belongs."""
    data: Annotated[bytes, Meta(min_length=1, max_length=PIECE_BYTES)]


class Lease(Struct, frozen=True, tag="lease", forbid_unknown_fields=True):
    """Keeper to eye: live for `ttl_ms` more. Nothing else keeps an eye alive."""

    ttl_ms: Annotated[int, Meta(ge=1, le=950)]
    breathing: bool
    pulse: bool
    room_empty: bool
    everybody_left: bool = False
    """The room is empty, and whoever was in it was seen to leave."""
    view: ViewAsked | None = None
    """A frame to be made; None while nobody looks."""
    record: RecordAsked | None = None
    """None where nothing is recorded."""


class Halt(Struct, frozen=True, tag="halt", forbid_unknown_fields=True):
    """Keeper to eye: end now."""


class Up(Struct, frozen=True, tag="up", forbid_unknown_fields=True):
    """Keeper to courier: one sealed record for this slot, and its place on the metronome's grid."""

    slot: Number
    record: Record
    send_ns: Nanoseconds
    """When to publish it, by the monotonic clock that both read; at once where that has passed."""


class Look(Struct, frozen=True, tag="look", forbid_unknown_fields=True):
    """Keeper to courier: one signed frame of a view, to be published once (QoS 0) and forgotten."""

    frame: Record


class Sent(Struct, frozen=True, tag="sent", forbid_unknown_fields=True):
    """Courier to keeper: the broker acknowledged this slot's record."""

    slot: Number


class Down(Struct, frozen=True, tag="down", forbid_unknown_fields=True):
    """Courier to keeper: sealed bytes that came from the broker."""

    record: Record


class Network(Struct, frozen=True, tag="network", forbid_unknown_fields=True):
    """Courier to keeper: whether there is a broker, and if not, why."""

    connected: bool
    why: Text


EyeSays = Guarded | Hello | CameraSettings | Fault | Observation | ViewFrame | Piece | Unbelieved
EyeHears = Lease | Halt | Note
CourierSays = Guarded | Sent | Down | Network
CourierHears = Up | Look


class Link:
    """One end of a connection. `send` never blocks; `receive` returns None where nothing waits."""

    def __init__(self, sock: socket.socket, hears: object) -> None:
        self._sock = sock
        self._decoder = msgspec.msgpack.Decoder(hears, strict=True)
        self._encoder = msgspec.msgpack.Encoder()

    def fileno(self) -> int:
        return self._sock.fileno()

    def send(self, message: Struct) -> bool:
        """False where the other end does not keep up: the message is dropped. Raises LinkError where it is gone."""
        try:
            self._sock.send(self._encoder.encode(message), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LinkError(f"the other end is gone: {error.strerror}") from None
        return True

    def receive(self, *, wait: bool = False) -> Struct | None:
        """The next message. Raises LinkError at the end of the link, or for anything that is not a message."""
        try:
            data, flags = self._packet(0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            raise LinkError(f"the other end is gone: {error.strerror}") from None
        if flags & socket.MSG_CTRUNC:
            raise LinkError("a descriptor was passed: refused")
        if flags & socket.MSG_TRUNC:
            raise LinkError("a packet was too long: refused")
        if not data:
            raise LinkError("the other end closed")
        try:
            message: Struct = self._decoder.decode(data)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise LinkError(f"not a message of this link: {error}") from None
        return message

    def _packet(self, how: int) -> tuple[bytes, int]:
        """One packet and its flags. An end that closed without having read all resets the link: that is said first,
        once, and what it had sent lies behind it. The keeper's last record went missing there now and then.
        """
        try:
            data, _, flags, _ = self._sock.recvmsg(MAX_PACKET_BYTES, 0, how)
        except ConnectionResetError:
            data, _, flags, _ = self._sock.recvmsg(MAX_PACKET_BYTES, 0, how)
        return data, flags

    def close(self) -> None:
        self._sock.close()


class Listener:
    """The keeper's end of a socket name. A second peer is refused while the first is there."""

    def __init__(self, path: Path, hears: object, peer_uid: int) -> None:
        self._path = path
        self._hears = hears
        self._peer_uid = peer_uid
        path.unlink(missing_ok=True)
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            with _name_of(path) as name:
                self._sock.bind(name)
        except OSError as error:
            raise LinkError(f"{path}: cannot listen: {error.strerror or error}") from None
        path.chmod(0o660)
        self._sock.listen(2)

    def fileno(self) -> int:
        return self._sock.fileno()

    def accept(self) -> Link | None:
        """A link to a peer of the right user; None where the peer was refused or has left again."""
        try:
            sock, _ = self._sock.accept()
        except OSError:
            return None
        if _peer_uid(sock) not in {self._peer_uid, 0}:
            sock.close()
            return None
        return Link(sock, self._hears)

    def close(self) -> None:
        self._sock.close()
        self._path.unlink(missing_ok=True)


def connect(path: Path, hears: object, keeper_uid: int | None = None) -> Link:
    """Connect to the keeper (None: our own user's). Raises LinkError where it is not there or is another user's."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with _name_of(path) as name:
            sock.connect(name)
    except OSError as error:
        sock.close()
        raise LinkError(f"{path}: no keeper there ({error.strerror}); start it first") from None
    wanted = os.getuid() if keeper_uid is None else keeper_uid
    if _peer_uid(sock) not in {wanted, 0}:
        sock.close()
        raise LinkError(f"{path}: belongs to another user than uid {wanted}: refused")
    return Link(sock, hears)


def uid_of(user: str) -> int:
    """Of an account by its name; empty: of our own. Raises SetupError where there is none of that name."""
    if not user:
        return os.getuid()
    import pwd

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise SetupError(
            f"no user '{user}' on this machine: systemd-sysusers makes those of the services"
        ) from None


def _peer_uid(sock: socket.socket) -> int:
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return int(_PEER.unpack(credentials)[1])


@contextmanager
def _name_of(path: Path) -> Iterator[str]:
    """For bind and connect: the path or, where the folder lies too deep for one, a way through a descriptor of it.

    The socket lies where the path says either way; nothing of it has to be found or cleared away elsewhere. A folder
    that is opened for its place alone (O_PATH) needs no right of Landlock's. Raises OSError: no such folder.
    """
    if len(os.fsencode(path)) <= _MOST_NAME_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
