"""Password digests."""

from __future__ import annotations

import base64
import hashlib

from bridge.store.secrets.passwords import digest_password, verify_password


def test_digest_knows_its_password_and_no_other():
    digest = digest_password("pässword")

    assert verify_password("pässword", digest)
    assert not verify_password("password", digest)
    assert not verify_password("pässword", None)


def test_digest_is_salted_and_names_its_work_factors():
    one, other = digest_password("x"), digest_password("x")

    assert one != other
    assert one.startswith("scrypt$16384$8$1$")


def test_digest_of_other_work_factors_is_still_verified():
    digest = base64.b64encode(hashlib.scrypt(b"x", salt=b"salt", n=4, r=2, p=3))
    cheap = f"scrypt$4$2$3$c2FsdA==${digest.decode()}"

    assert verify_password("x", cheap)
    assert not verify_password("y", cheap)
