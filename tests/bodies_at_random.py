"""Bodies made at random from the schema itself, good and spoilt, for whoever wants to compare two decoders."""

import random
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect

EDGE = 0.2
"""How often a number is the smallest or largest that is allowed."""


def at_random(schema: type, rng: random.Random) -> Any:
    """An instance of the schema; every choice of a union and a literal comes up."""
    while True:
        try:
            return msgspec.convert(_value(inspect.type_info(schema), rng), schema, strict=True)
        except msgspec.ValidationError:  # what two fields say does not go together
            continue


def spoilt(data: bytes, rng: random.Random) -> bytes:
    """One small change: a byte, a cut, something more, two bytes in each other's place."""
    at = rng.randrange(len(data))
    return rng.choice(
        [
            data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :],
            data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :],
            data[:at],
            data[:at] + data[at + 1 :],
            data + bytes([rng.randrange(256)]),
            data[:at] + data[at : at + 2][::-1] + data[at + 2 :],
        ]
    )


def _value(kind: inspect.Type, rng: random.Random) -> Any:
    makers: dict[type, Callable[[Any, random.Random], Any]] = {
        inspect.StructType: _struct,
        inspect.UnionType: lambda k, r: _value(r.choice(k.types), r),
        inspect.LiteralType: lambda k, r: r.choice(k.values),
        inspect.VarTupleType: _tuple,
        inspect.TupleType: lambda k, r: [_value(one, r) for one in k.item_types],
        inspect.IntType: lambda k, r: _number(k, r, r.randint),
        inspect.FloatType: lambda k, r: float(_number(k, r, r.uniform)),
        inspect.StrType: _text,
        inspect.BytesType: lambda k, r: r.randbytes(_length(k, r)),
        inspect.BoolType: lambda k, r: r.random() < 0.5,
        inspect.NoneType: lambda k, r: None,
        inspect.Metadata: lambda k, r: _value(k.type, r),
    }
    return makers[type(kind)](kind, rng)


def _struct(kind: inspect.StructType, rng: random.Random) -> dict[str, Any]:
    fields = {field.encode_name: _value(field.type, rng) for field in kind.fields}
    return {kind.tag_field: kind.tag, **fields} if kind.tag_field else fields


def _tuple(kind: inspect.VarTupleType, rng: random.Random) -> list[Any]:
    return [_value(kind.item_type, rng) for _ in range(_length(kind, rng, most=4))]


def _number(kind: Any, rng: random.Random, draw: Callable[[Any, Any], Any]) -> Any:
    if rng.random() < EDGE:
        return rng.choice([kind.ge, kind.le])
    return draw(kind.ge, min(kind.le, kind.ge + 10 ** rng.randrange(1, 16)))


def _text(kind: inspect.StrType, rng: random.Random) -> str:
    """Words that fit every pattern that there is; where there is none, other letters too."""
    letters = "abcxyz019" if kind.pattern else 'abc xyz-é語😀"\\\n'
    return "".join(
        rng.choice(letters) for _ in range(max(_length(kind, rng, most=16), 1 if kind.pattern else 0))
    )


def _length(kind: Any, rng: random.Random, most: int = 64) -> int:
    least = kind.min_length or 0
    top = kind.max_length if kind.max_length is not None else max(most, least)
    return top if rng.random() < EDGE / 2 else rng.randint(least, min(max(most, least), top))
