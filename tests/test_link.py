"""The sockets between the processes: what passes, and what ends the link."""

import array
import os
import selectors
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from stillroom import link
from stillroom.errors import LinkError
from stillroom.keeper.doors import Door
from stillroom.link import EyeHears, EyeSays, Halt, Hello, Lease, Link, Listener
from tests.descriptors import nothing_left_open


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield Link(ours, EyeSays), theirs
    ours.close()
    theirs.close()


def test_a_message_arrives_whole(pair):
    keeper, eye = pair
    Link(eye, EyeHears).send(Hello("simulated", "none"))
    assert keeper.receive() == Hello("simulated", "none")
    assert keeper.receive() is None


def test_a_passed_descriptor_ends_the_link_and_is_not_received(pair):
    keeper, eye = pair
    data = msgspec.msgpack.encode(Hello("simulated", "none"))
    with nothing_left_open():
        eye.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
        with pytest.raises(LinkError, match="descriptor"):
            keeper.receive()


@pytest.mark.parametrize(
    "packet",
    [
        b"\xc1",
        b"not msgpack",
        msgspec.msgpack.encode({"type": "hello", "camera": "simulated"}),
        msgspec.msgpack.encode({"type": "hello", "camera": "UPPER", "model": "none"}),
        msgspec.msgpack.encode({"type": "hello", "camera": "a", "model": "none", "extra": 1}),
        msgspec.msgpack.encode({"type": "lease", "ttl_ms": 900}),
        b"\x82\xa1x" + b"\x91" * 30_000 + b"\x01\xa4type\xa4down",
        b"\x81\xa1\xff\x01",
    ],
)
def test_what_is_not_a_message_of_this_link_ends_it(pair, packet):
    keeper, eye = pair
    eye.send(packet)
    with pytest.raises(LinkError, match="not a message"):
        keeper.receive()


def test_the_other_ends_end_is_an_error(pair):
    keeper, eye = pair
    eye.close()
    with pytest.raises(LinkError, match="closed"):
        keeper.receive()


def test_last_words_are_heard_of_one_who_did_not_listen_to_the_end(pair):
    """The kernel says a reset first where an end closes with something unread; its words come after that."""
    keeper, eye = pair
    keeper.send(Halt())
    Link(eye, EyeHears).send(Hello("simulated", "none"))
    eye.close()
    assert keeper.receive() == Hello("simulated", "none")
    with pytest.raises(LinkError, match="closed"):
        keeper.receive()


def test_a_peer_that_does_not_read_costs_messages_not_time(pair):
    keeper, _ = pair
    sent = [keeper.send(Halt()) for _ in range(5000)]
    assert sent[0] and not sent[-1]


def test_a_lease_is_shorter_than_a_second():
    packet = msgspec.msgpack.encode(
        {"type": "lease", "ttl_ms": 1000, "breathing": True, "pulse": True, "room_empty": False}
    )
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(packet, type=EyeHears)


def test_a_peer_of_another_user_is_refused(tmp_path: Path):
    listener = Listener(tmp_path / "s", EyeSays, peer_uid=os.getuid() + 1)
    client = link.connect(tmp_path / "s", EyeHears)
    accepted = listener.accept()
    # root may open every door, as it may do everything else
    assert (accepted is None) == (os.getuid() != 0)
    client.close()
    listener.close()


def test_no_keeper_is_said_in_one_line(tmp_path: Path):
    with pytest.raises(LinkError, match="no keeper there"):
        link.connect(tmp_path / "absent.sock", EyeHears)


@pytest.fixture
def shallow() -> Iterator[Path]:
    """Wherever TMPDIR is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def test_a_folder_may_lie_deeper_than_a_sockets_name_is_long(shallow: Path):
    """The kernel takes 107 bytes; one byte around that, and far beyond it. The socket lies where its path says."""
    for length in (107, 108, 600):
        filler = length - len(os.fsencode(shallow)) - len("//eye.sock")
        folder = shallow.joinpath(*["d" * 99] * (filler // 100), "d" * (filler % 100 or 1))
        folder.mkdir(parents=True)
        path = folder / "eye.sock"
        assert len(os.fsencode(path)) in (length, length + 1)
        with nothing_left_open():
            listener = Listener(path, EyeSays, os.getuid())
            assert path.is_socket() and path.stat().st_mode & 0o777 == 0o660
            client = link.connect(path, EyeHears)
            accepted = listener.accept()
            assert accepted is not None
            accepted.send(Lease(900, True, True, False))
            assert client.receive() == Lease(900, True, True, False)
            for end in (client, accepted, listener):
                end.close()
        assert not path.exists()
        with pytest.raises(LinkError, match="no keeper there"):
            link.connect(path, EyeHears)
    with pytest.raises(LinkError, match="cannot listen: No such file"):
        Listener(shallow / ("x" * 120) / "eye.sock", EyeSays, os.getuid())


def test_a_door_has_room_for_one(tmp_path: Path):
    selector = selectors.DefaultSelector()
    heard, gone = [], []
    door = Door(selector, tmp_path / "eye.sock", EyeSays, heard.append, lambda: gone.append(1), os.getuid())

    def turn() -> None:
        for key, _ in selector.select(0):
            key.data()

    first = link.connect(tmp_path / "eye.sock", EyeHears)
    turn()
    second = link.connect(tmp_path / "eye.sock", EyeHears)
    turn()
    with pytest.raises(LinkError):
        second.receive()
    first.send(Hello("simulated", "none"))
    turn()
    assert heard == [Hello("simulated", "none")]
    assert door.send(Lease(900, True, True, False))
    assert first.receive() == Lease(900, True, True, False)
    first.close()
    turn()
    assert gone == [1]
    assert not door.occupied and not door.send(Halt())
    door.close()
