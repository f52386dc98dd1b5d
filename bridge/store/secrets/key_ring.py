"""The key ring: encrypts ("seals") stored secrets, and digests them for look-up.

`keys.json`, or the setting of the same content, has this shape:

    {"keys": [{"id": "5e0c…", "key": "<32 bytes, base64>", "made": "<time>"}, …],
     "digest": "5e0c…"}

The first key seals; every key opens. `made`, and `retired` for a key that no longer
seals, are optional. `digest` names the key for digests, which rotation never changes: a
digest cannot be computed again without its text. Sealing and digesting each use a key
derived from the stored one.

A ring from a file is reloaded when the file changes: before each seal, and before a
value is reported as impossible to open. So `bridge key rotate` can change the key while
processes run.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bridge.errors import ConfigurationError, StoreError
from bridge.store.secrets.private_files import (
    fsync,
    make_private_directory,
    translate_os_errors,
)

KEYS_FILE = "keys.json"

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the ring: 32 random bytes with an id.

    `made` and `retired` (when it stopped sealing) are ISO times or empty.
    """

    id: str
    material: bytes = field(repr=False)
    made: str = ""
    retired: str = ""


class KeyRing:
    """Seals, opens and digests texts. Safe to share between threads and forks.

    Args:
        keys: at least one; the first one seals.
        digest_id: the id of the key for digests.
        source: the file with the keys, if there is one.

    Raises:
        ConfigurationError: `digest_id` is not among the keys.
    """

    __slots__ = (
        "_digest_key",
        "_fernet",
        "_loaded_version",
        "digest_id",
        "keys",
        "source",
    )

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
        self._loaded_version: tuple[int, ...] = ()
        self._digest_key = _derive(material[digest_id], b"bridge digest")
        self._use_keys(keys)

    @classmethod
    def load(
        cls, data_dir: Path, configured: str | None, place: str = "BRIDGE_KEYS"
    ) -> Self:
        """Read the ring from the setting, else from `keys.json`, created if missing.

        For a new database only; see `find`. Two processes that start at the same time
        get the same file.

        Raises:
            ConfigurationError: the text is not a key ring, or the file is inaccessible.
        """
        found = cls.find(data_dir, configured, place)
        if found is not None:
            return found
        path = data_dir / KEYS_FILE
        make_private_directory(data_dir)
        with translate_os_errors(f"The key ring {path} cannot be used", path):
            _write_new_keys(path)
            return cls._read(path)

    @classmethod
    def find(
        cls, data_dir: Path, configured: str | None, place: str = "BRIDGE_KEYS"
    ) -> Self | None:
        """Read the ring from the setting, else from `keys.json`; None when missing.

        Messages name `place` as the source of the setting.

        Raises:
            ConfigurationError: the text is not a key ring, or the file is inaccessible.
        """
        if configured:
            keys, digest_id = parse_ring(configured, place)
            return cls(keys, digest_id=digest_id)
        path = data_dir / KEYS_FILE
        with translate_os_errors(f"The key ring {path} cannot be used", path):
            try:
                return cls._read(path)
            except FileNotFoundError:
                return None

    @classmethod
    def _read(cls, path: Path) -> Self:
        stamp = _file_version(path)
        keys, digest_id = parse_ring(path.read_bytes(), str(path))
        ring = cls(keys, digest_id=digest_id, source=path)
        ring._loaded_version = stamp
        return ring

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key.id for key in self.keys)})"

    def seal(self, text: str) -> bytes:
        """Encrypt with the first key; sealing a text twice gives different bytes."""
        return self.seal_bytes(text.encode())

    def seal_bytes(self, content: bytes) -> bytes:
        """Do what `seal` does with bytes; the result is a third longer."""
        self.reload_if_changed()
        return self._fernet.encrypt(content)

    def open(self, sealed: bytes) -> str:
        """Decrypt a value that any key of the ring has sealed.

        Raises:
            StoreError: the value was sealed with another key, or is damaged.
        """
        return self.open_bytes(sealed).decode()

    def open_bytes(self, sealed: bytes) -> bytes:
        """Decrypt what `seal_bytes` sealed with any key of the ring.

        Raises:
            StoreError: as `open`.
        """
        return self._try(lambda ring: ring.decrypt(sealed))

    def reseal(self, sealed: bytes) -> bytes:
        """Return the same text sealed with the first key, with its former date.

        Raises:
            StoreError: as `open`.
        """
        return self._try(lambda ring: ring.rotate(sealed))

    def sealed_by(self, sealed: bytes) -> str | None:
        """Return the id of the key that sealed a value; None if not in the ring."""
        for key in self.keys:
            with contextlib.suppress(InvalidToken):
                _fernet(key).decrypt(sealed)
                return key.id
        return None

    def digest(self, text: str) -> bytes:
        """Return a keyed hash of 32 bytes, by which a secret is found."""
        # A header may hold lone surrogates: such a secret is unknown, not an error.
        encoded = text.encode(errors="surrogatepass")
        return hmac.digest(self._digest_key, encoded, hashlib.sha256)

    def _try(self, use: Callable[[MultiFernet], bytes]) -> bytes:
        """Use the ring; reload it and retry once if a key is missing."""
        with contextlib.suppress(InvalidToken):
            return use(self._fernet)
        self.reload_if_changed()
        try:
            return use(self._fernet)
        except InvalidToken:
            raise StoreError(
                "A stored secret does not open with any key of the key ring."
            ) from None

    def check_source(self) -> None:
        """Require that the ring's file, if it has one, still holds this ring.

        Raises:
            ConfigurationError: it is missing or holds another ring; with the cure.
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
        """Replace the keys, in the file first if there is one.

        Raises:
            ConfigurationError: the file cannot be written; nothing has changed.
        """
        # The file first: nothing may be sealed with a key that is not stored.
        if self.source is not None:
            replace_ring(self.source, render_ring(keys, self.digest_id))
        self._use_keys(keys)

    def _use_keys(self, keys: Sequence[Key]) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in keys])
        self.keys = tuple(keys)

    def reload_if_changed(self) -> None:
        """Load the file's keys if it has changed.

        Ignores a file that cannot be read or that holds another ring: the loaded keys
        still open everything that this process has sealed.
        """
        if self.source is None:
            return
        try:
            stamp = _file_version(self.source)
            if stamp == self._loaded_version:
                return
            content = self.source.read_bytes()
            keys, digest_id = parse_ring(content, str(self.source))
        except (OSError, ConfigurationError):
            return
        if self._is_same_ring(keys, digest_id):
            self._use_keys(keys)
            self._loaded_version = stamp

    def _is_same_ring(self, keys: Sequence[Key], digest_id: str) -> bool:
        material = {key.id: key.material for key in keys}
        mine = {key.id: key.material for key in self.keys}
        return (
            digest_id == self.digest_id and material.get(digest_id) == mine[digest_id]
        )


def parse_ring(text: str | bytes, source: str) -> tuple[list[Key], str]:
    """Parse a ring's JSON text; return its keys and the id of the key for digests.

    Raises:
        ConfigurationError: it is not a key ring; the message names `source`, but shows
            no content.
    """
    # Not chained: the parser's own message may quote the content.
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
    """Return the JSON text of a ring, which must be kept secret."""
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
    """Return a new random key."""
    made = datetime.now(UTC).isoformat()
    return Key(secrets.token_hex(4), secrets.token_bytes(_KEY_BYTES), made)


def replace_ring(path: Path, text: str) -> None:
    """Replace the content of a ring's file atomically.

    Raises:
        ConfigurationError: the directory cannot be written.
    """
    with translate_os_errors(f"The key ring {path} cannot be written", path.parent):
        draft = _write_draft(path, text)
        try:
            draft.replace(path)
        except OSError:
            draft.unlink()
            raise
        # Nothing may be sealed with a key that a power failure could lose.
        fsync(path.parent)


def new_secret() -> str:
    """Return a new token or user secret: 32 random bytes as base64."""
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


def _file_version(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _write_new_keys(path: Path) -> None:
    key = new_key()
    # A hard link is atomic and never replaces an existing file: no process can read
    # half a ring, or overwrite the ring of a process that started faster.
    draft = _write_draft(path, render_ring([key], key.id))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write_draft(path: Path, text: str) -> Path:
    """Write a text to a new private file beside `path`, flushed to the disk."""
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
