"""What a record holds, to bytes and back, in exactly one form: doubled keys, another order or a longer spelling of a
number are refused, so that any two implementations read the same body from the same bytes.
"""

from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.msgpack import Decoder

from stillroom.errors import WireError
from stillroom.events import Body, DownBody

B = TypeVar("B", bound=Struct)

_encode = msgspec.msgpack.Encoder().encode
_up = Decoder(Body, strict=True)
_down = Decoder(DownBody, strict=True)


def encode(body: Body | DownBody) -> bytes:
    """The bytes of a body, before padding."""
    return _encode(body)


def decode_up(data: bytes) -> Body:
    """Raises WireError: body."""
    return _decode(data, _up)


def decode_down(data: bytes) -> DownBody:
    """Raises WireError: body."""
    return _decode(data, _down)


def _decode(data: bytes, decoder: Decoder[B]) -> B:
    try:
        body = decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # Only the place, never what stands there.
        raise WireError("body", "does not decode" + _place(error)) from None
    if _encode(body) != data:
        raise WireError("body", "is not in its one form")
    return body


def _place(error: Exception) -> str:
    return str(error).partition(" -")[2] if isinstance(error, msgspec.MsgspecError) else ""
