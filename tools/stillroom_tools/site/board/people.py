"""Who may log in: a private file for each person in `board/people/` of a site, written whole or not at all.

Nobody has a password that somebody else chose: whoever adds a person gets a token, which works once, for a day, and
with which that person chooses his own password and reads the secret into his own phone.
"""

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from stillroom.clock import MS_PER_S, Clock
from stillroom.errors import ConfigError, StorageError, TrustError
from stillroom.files import make_folder, read_private, replace_file
from stillroom.hashes import digest, same
from stillroom.public_keys import PlainName
from stillroom_tools.site.board import totp
from stillroom_tools.site.board.passwords import hashed
from stillroom_tools.site.board.roles import Role

TOKEN_BYTES = 20
TOKEN_LASTS_S = 24 * 3_600
MOST_PEOPLE = 1_000


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    name: PlainName
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=4)]
    made_ms: int
    generation: str
    """Another one after each reset: what was logged in before is over."""
    token: bytes = b""
    """Hash of the token; empty once it was used."""
    token_until_ms: int = 0
    password: str = ""
    """argon2id, with its salt and cost; empty until it was chosen."""
    secret: bytes = b""
    last_step: int = 0
    """Of the newest code that was taken: none is taken twice."""

    @property
    def ready(self) -> bool:
        return bool(self.password)

    def __repr__(self) -> str:
        return f"Person({self.name}, {'/'.join(self.roles)}, secrets hidden)"


class People:
    """The folder. Several processes may change it: each change is made under a lock, on what stands then."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock

    def all(self) -> list[Person]:
        """By name. Raises TrustError for a file that is not right."""
        found = [self.find(path.stem) for path in sorted(self._folder.glob("*.json"))]
        return [person for person in found if person]

    def find(self, name: str) -> Person | None:
        """Raises TrustError for a file that is not right; whatever cannot be a name is nobody's."""
        path = self._path(name)
        if not is_name(name) or not path.exists():
            return None
        try:
            person = msgspec.json.decode(read_private(path), type=Person)
        except msgspec.MsgspecError:
            raise TrustError(f"{path}: damaged: remove this person and add him again") from None
        if person.name != name:
            raise TrustError(f"{path}: of another person, '{person.name}': name it {person.name}.json")
        return person

    def check_new(self, name: str, roles: tuple[Role, ...]) -> None:
        """Raises ConfigError: no name, there already, no role, too many."""
        if not is_name(name):
            raise ConfigError(f"name {name!a}: 1 to 32 of a-z 0-9 -, not beginning with -")
        if self.find(name):
            raise ConfigError(f"'{name}' is there already: reset makes a new token, remove takes away")
        if not roles:
            raise ConfigError("at least one role is needed")
        if len(self.all()) >= MOST_PEOPLE:
            raise ConfigError(f"{MOST_PEOPLE} people are there: remove those who have left")

    def add(self, name: str, roles: tuple[Role, ...], token: str = "") -> str:
        """The token, made here where none is given. Raises ConfigError as `check_new` does, StorageError."""
        token = token or new_token()
        with self._locked():
            self.check_new(name, roles)
            made = Person(name, tuple(dict.fromkeys(roles)), self._clock.utc_ms(), secrets.token_hex(16))
            self._save(self._with_token(made, token))
        return token

    def reset(self, name: str) -> str:
        """A new token; password, phone and sessions of before are over. Raises ConfigError, StorageError."""
        token = new_token()
        with self._locked():
            blank = replace(
                self.there(name), password="", secret=b"", last_step=0, generation=secrets.token_hex(16)
            )
            self._save(self._with_token(blank, token))
        return token

    def remove(self, name: str) -> None:
        """Raises ConfigError where there is nobody of that name."""
        with self._locked():
            self.there(name)
            self._path(name).unlink()

    def takes(self, name: str, token: str) -> bool:
        """Whether this token lets this person choose a password now."""
        person = self.find(name)
        if not person or not person.token or self._clock.utc_ms() >= person.token_until_ms:
            return False
        return same(person.token, _hash(token))

    def set_up(self, name: str, token: str, password: str, secret: bytes, step: int) -> Person | None:
        """The person with this password and phone; None where the token is not (or no longer) right."""
        kept = hashed(password)
        with self._locked():
            if not self.takes(name, token):
                return None
            person = replace(self.there(name), token=b"", token_until_ms=0, password=kept, secret=secret)
            person = replace(person, last_step=step)
            self._save(person)
        return person

    def take_code(self, name: str, generation: str, code: str) -> bool:
        """Whether the code is right now; then it is not right again."""
        with self._locked():
            person = self.find(name)
            if not person or not person.ready or person.generation != generation:
                return False
            step = totp.step_of(person.secret, code, self._clock.utc_ms() // MS_PER_S, person.last_step)
            if step is not None:
                self._save(replace(person, last_step=step))
        return step is not None

    def _with_token(self, person: Person, token: str) -> Person:
        until_ms = self._clock.utc_ms() + TOKEN_LASTS_S * MS_PER_S
        return replace(person, token=_hash(token), token_until_ms=until_ms)

    def there(self, name: str) -> Person:
        """Raises ConfigError where there is nobody of that name."""
        person = self.find(name)
        if person is None:
            raise ConfigError(f"nobody here is called {name!a}: `stillroom site people list` names all")
        return person

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _save(self, person: Person) -> None:
        replace_file(self._path(person.name), msgspec.json.encode(person), 0o600)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self._folder)
        try:
            descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"{self._folder}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def is_name(text: str) -> bool:
    """Whether somebody could be called that."""
    try:
        msgspec.convert(text, PlainName)
    except msgspec.ValidationError:
        return False
    return True


def new_token() -> str:
    """160 bits, in groups of four to be read aloud."""
    text = base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _hash(token: str) -> bytes:
    plain = "".join(token.split()).replace("-", "").lower()
    return digest(b"stillroom/1 token of a person", plain.encode())
