"""Password digests: salted scrypt, stored with the work factors."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

# 16 MiB and some 50 ms. The digest is also sealed before it is stored, so that the
# database alone, without the key ring, is not enough to try passwords.
_N, _R, _P = 2**14, 8, 1
_SALT_BYTES = 16


def digest_password(password: str) -> str:
    """Return a digest as `scrypt$n$r$p$salt$digest`, the last two in base64."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _scrypt(password, salt, _N, _R, _P)
    texts = (base64.b64encode(part).decode() for part in (salt, digest))
    return "$".join(["scrypt", str(_N), str(_R), str(_P), *texts])


def verify_password(password: str, digest: str | None) -> bool:
    """Return whether a password matches; None for the digest costs the same time."""
    if digest is None:
        # Otherwise a fast refusal would show that an address is unknown.
        _scrypt(password, bytes(_SALT_BYTES), _N, _R, _P)
        return False
    _, n, r, p, salt, expected = digest.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(expected))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    text = password.encode(errors="surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, maxmem=256 * r * (n + p))
