"""The signature over the exact bytes."""

from __future__ import annotations

import base64
import subprocess

import pytest

from bridge.outbound.signature import sign


@pytest.mark.parametrize(
    ("secret", "body", "hexadecimal"),
    [
        # Source: RFC 4231, test case 2.
        (
            "Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        # Source: GitHub docs, "Validating webhook deliveries", the test values.
        (
            "It's a Secret to Everybody",
            b"Hello, World!",
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        ),
    ],
)
def test_published_values(secret, body, hexadecimal):
    expected = base64.b64encode(bytes.fromhex(hexadecimal)).decode()

    assert sign(secret, body) == f"sha256={expected}"


def test_key_is_the_utf8_of_the_secret_and_the_body_is_taken_as_it_is():
    body = '{"name":"Ünal",\r\n "x": 1 }\n'.encode()
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-binary"]
    key = "schlüssel".encode().hex()

    digest = subprocess.run(
        [*command, "-macopt", f"hexkey:{key}"],
        input=body,
        capture_output=True,
        check=True,
    ).stdout

    assert sign("schlüssel", body) == f"sha256={base64.b64encode(digest).decode()}"
