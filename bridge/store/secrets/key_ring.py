"""The key ring: what seals secrets at rest and digests them for look-up.

`keys.json`, or the setting of the same content, has this shape:

    {"keys": [{"id": "5e0c…", "key": "<32 bytes, base64>", "made": "<time>"}, …],
     "digest": "5e0c…"}

The first key seals; every key opens. `made`, and `retired` for a key that sealed once,
may be missing. `digest` names the key that digests are made with: it stays when another
key seals, since a digest cannot be made again without its text. Sealing and digesting
never use a key as it stands, but two keys derived from it.

A ring read from a file follows the file: a process seals with the key that is first
*now*, and reads the file again before it says that something does not open. That is
what lets `bridge key rotate` change the key under running processes.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.errors import ConfigurationError, StoreError
from bridge.store.secrets.private_files import cure_os_error, make_private_directory

KEYS_FILE = "keys.json"

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the ring: 32 random bytes under an id.

    `made` and `retired` (when it stopped sealing) are ISO times, or empty.
    """

    id: str
    material: bytes = field(repr=False)
    made: str = ""
    retired: str = ""


class KeyRing:
    """Seals, opens and digests texts. Safe to share between threads and forks.

    Args:
        keys: the one that seals first, at least one.
        digest_id: the id of the key that digests are made with.
        source: the file they come from, if they do.

    Raises:
        ConfigurationError: `digest_id` is not among the keys.
    """

    __slots__ = ("_digest_key", "_fernet", "_stamp", "digest_id", "keys", "source")

    def __init__(
        self, keys: Sequence[Key], *, digest_id: str, source: Path | None = None
    ) -> None:
        material = {key.id: key.material for key in keys}
        if digest_id not in material:
            raise ConfigurationError(
                f"The key ring has no key {digest_id!r}, which makes its digests."
            )
        self.source = source
        self.digest_id = digest_id
        self._stamp: tuple[int, ...] = ()
        self._digest_key = _derive(material[digest_id], b"bridge digest")
        self._adopt(keys)

    @classmethod
    def load(
        cls, data_dir: Path, configured: str | None, place: str = "BRIDGE_KEYS"
    ) -> Self:
        """Read the ring from the setting, else from `keys.json`, made when missing.

        For a database that holds nothing yet: see `find`. Two processes that start at
        once end up with the same file.

        Raises:
            ConfigurationError: the text is no key ring, or the file is out of reach.
        """
        found = cls.find(data_dir, configured, place)
        if found is not None:
            return found
        path = data_dir / KEYS_FILE
        make_private_directory(data_dir)
        with _naming(path):
            _write_new_keys(path)
            return cls._read(path)

    @classmethod
    def find(
        cls, data_dir: Path, configured: str | None, place: str = "BRIDGE_KEYS"
    ) -> Self | None:
        """Read the ring from the setting, else from `keys.json`; None when missing.

        Errors name `place`, where the setting was given.

        Raises:
            ConfigurationError: the text is no key ring, or the file is out of reach.
        """
        if configured:
            keys, digest_id = parse_ring(configured, place)
            return cls(keys, digest_id=digest_id)
        path = data_dir / KEYS_FILE
        with _naming(path):
            try:
                return cls._read(path)
            except FileNotFoundError:
                return None

    @classmethod
    def _read(cls, path: Path) -> Self:
        stamp = _stamp_of(path)
        keys, digest_id = parse_ring(path.read_bytes(), str(path))
        ring = cls(keys, digest_id=digest_id, source=path)
        ring._stamp = stamp
        return ring

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key.id for key in self.keys)})"

    def seal(self, text: str) -> bytes:
        """Encrypt with the first key; equal texts give different seals."""
        self.follow()
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Decrypt what any key of the ring has sealed.

        Raises:
            StoreError: no key of the ring has sealed this, or it was damaged.
        """
        return self._try(lambda ring: ring.decrypt(sealed)).decode()

    def reseal(self, sealed: bytes) -> bytes:
        """Return the same text sealed with the first key, dated as before.

        Raises:
            StoreError: as `open`.
        """
        return self._try(lambda ring: ring.rotate(sealed))

    def sealed_by(self, sealed: bytes) -> str | None:
        """Return the id of the key that made a seal; None when none of the ring did."""
        for key in self.keys:
            with contextlib.suppress(InvalidToken):
                _fernet(key).decrypt(sealed)
                return key.id
        return None

    def digest(self, text: str) -> bytes:
        """Return 32 bytes that find a text again and do not give it away."""
        # A header may carry anything; what cannot be encoded is merely unknown.
        encoded = text.encode(errors="surrogatepass")
        return hmac.digest(self._digest_key, encoded, hashlib.sha256)

    def _try(self, use: Callable[[MultiFernet], bytes]) -> bytes:
        """Use the ring, and once more as the file has it now."""
        with contextlib.suppress(InvalidToken):
            return use(self._fernet)
        self.follow()
        try:
            return use(self._fernet)
        except InvalidToken:
            raise StoreError(
                "A stored secret does not open with any key of the key ring."
            ) from None

    def check_source(self) -> None:
        """Require that the ring's file, if it has one, still holds this ring.

        Raises:
            ConfigurationError: it is gone, or holds another ring; with the cure.
        """
        if self.source is None:
            return
        stored = self.find(self.source.parent, None)
        if stored is None:
            raise ConfigurationError(
                f"The key ring {KEYS_FILE} is not there any more. What runs goes on "
                "with the keys it has read, but nothing can be started without them: "
                "put the file back before Bridge is restarted."
            )
        if not self._is_same_ring(stored.keys, stored.digest_id):
            raise ConfigurationError(
                f"{KEYS_FILE} holds another key ring than the one that was read: it "
                "was replaced. Put the former one back before Bridge is restarted."
            )

    def change(self, keys: Sequence[Key]) -> None:
        """Use other keys from now on; a ring from a file changes the file first.

        Raises:
            ConfigurationError: the file cannot be written; nothing has changed.
        """
        if self.source is not None:
            replace_ring(self.source, render_ring(keys, self.digest_id))
        self._adopt(keys)

    def _adopt(self, keys: Sequence[Key]) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in keys])
        self.keys = tuple(keys)

    def follow(self) -> None:
        """Take over the file's keys when it has changed.

        A file that cannot be read, or that is of another ring, changes nothing: what
        this process has still opens everything it ever sealed.
        """
        if self.source is None:
            return
        try:
            stamp = _stamp_of(self.source)
            if stamp == self._stamp:
                return
            content = self.source.read_bytes()
            keys, digest_id = parse_ring(content, str(self.source))
        except (OSError, ConfigurationError):
            return
        if self._is_same_ring(keys, digest_id):
            self._adopt(keys)
            self._stamp = stamp

    def _is_same_ring(self, keys: Sequence[Key], digest_id: str) -> bool:
        material = {key.id: key.material for key in keys}
        mine = {key.id: key.material for key in self.keys}
        return (
            digest_id == self.digest_id and material.get(digest_id) == mine[digest_id]
        )


def parse_ring(text: str | bytes, source: str) -> tuple[list[Key], str]:
    """Return the keys of a ring's JSON text, and the id of the one that digests.

    Raises:
        ConfigurationError: it is none; `source` is named, its content is not.
    """
    # Not chained: a parser's own message may quote what it could not read.
    try:
        ring = json.loads(text)
        keys = [_read_key(entry) for entry in ring["keys"]]
        digest_id = str(ring["digest"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigurationError(
            f'{source} is no key ring: {{"keys": [{{"id": …, "key": <32 bytes '
            'as base64>}], "digest": <an id>} is expected.'
        ) from None
    if digest_id not in {key.id for key in keys}:
        text = f"{source} has no key of the id that its `digest` names."
        raise ConfigurationError(text)
    return keys, digest_id


def render_ring(keys: Sequence[Key], digest_id: str) -> str:
    """Return the JSON text of a ring: secret, and all that opens the database."""
    entries = [
        {
            "id": key.id,
            "key": base64.b64encode(key.material).decode(),
            **({"made": key.made} if key.made else {}),
            **({"retired": key.retired} if key.retired else {}),
        }
        for key in keys
    ]
    return json.dumps({"keys": entries, "digest": digest_id}, indent=2)


def new_key() -> Key:
    """Return a key that nothing has been sealed with."""
    made = datetime.now(UTC).isoformat()
    return Key(secrets.token_hex(4), secrets.token_bytes(_KEY_BYTES), made)


def replace_ring(path: Path, text: str) -> None:
    """Put a ring's text in the place of a file's; a reader sees the one or the other.

    Raises:
        ConfigurationError: the directory cannot be written.
    """
    try:
        draft = _draft(path, text)
        try:
            draft.replace(path)
        except OSError:
            draft.unlink()
            raise
        _flush(path.parent)
    except OSError as error:
        raise ConfigurationError(
            f"The key ring {path} cannot be written: {error.strerror}.",
            cure=cure_os_error(path.parent, error),
        ) from error


def new_secret() -> str:
    """Return 32 random bytes as base64, the form of tokens and user secrets."""
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _read_key(entry: dict[str, str]) -> Key:
    material = base64.b64decode(entry["key"], validate=True)
    if len(material) != _KEY_BYTES:
        raise ValueError(len(material))
    made, retired = entry.get("made", ""), entry.get("retired", "")
    return Key(str(entry["id"]), material, str(made), str(retired))


def _fernet(key: Key) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derive(key.material, b"bridge seal")))


def _derive(material: bytes, purpose: bytes) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose)
    return derivation.derive(material)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what the system says of a ring's file into a sentence that names it."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"The key ring {path} cannot be used: {error.strerror}.",
            cure=cure_os_error(path, error),
        ) from error


def _stamp_of(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _write_new_keys(path: Path) -> None:
    key = new_key()
    # A link appears whole or not at all, and never replaces the file of a faster
    # starter: nobody can read half a ring or lose the ring he already uses.
    draft = _draft(path, render_ring([key], key.id))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path, text: str) -> Path:
    """Write a text to a new file beside `path`, for its owner only, and to the disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink()
        raise
    return draft


def _flush(path: Path) -> None:
    # Nothing may be sealed with a key whose file a power cut could still take back.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
