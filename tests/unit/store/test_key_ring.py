"""Sealing, digesting, and reading the key ring."""

from __future__ import annotations

import base64
import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ConfigurationError, StoreError
from bridge.store.secrets.key_ring import Key, KeyRing

OLD = Key("old", b"o" * 32)
NEW = Key("new", b"n" * 32)
RING = KeyRing([OLD], digest_id="old")
TEXTS = st.text(st.characters(codec="utf-8"))


def as_json(*keys, digest):
    entries = [
        {"id": key.id, "key": base64.b64encode(key.material).decode()} for key in keys
    ]
    return json.dumps({"keys": entries, "digest": digest})


@settings(max_examples=50)
@given(TEXTS)
def test_what_is_sealed_opens_again(text):
    sealed = RING.seal(text)

    assert RING.open(sealed) == text
    assert RING.seal(text) != sealed


@settings(max_examples=50)
@given(TEXTS, TEXTS)
def test_digests_are_equal_exactly_when_the_texts_are(one, other):
    assert (RING.digest(one) == RING.digest(other)) == (one == other)
    assert len(RING.digest(one)) == 32


def test_what_an_earlier_release_sealed_and_digested_is_still_known():
    sealed = (
        b"gAAAAABrAlqCJV9W4tA-fT_I2ZZms1ftnH9Sf3VGr5D0QHPm-h0BAlXCXxA9"
        b"lEU_WDlmEFLAkGhfwh4rljrN6Jd0eZ3QPcPeWg=="
    )

    assert RING.open(sealed) == "text"
    assert RING.digest("text").hex() == (
        "040edbe00b8db33387f1d48f0b1799d464d3838f1e08f0276e6ddff35a917cc2"
    )


@settings(max_examples=50)
@given(st.data())
def test_damaged_seal_does_not_open(data):
    sealed = bytearray(RING.seal("text"))
    # The last character before the padding carries bits that mean nothing.
    position = data.draw(st.integers(0, len(sealed) - 4))
    sealed[position] ^= data.draw(st.sampled_from([1, 2, 4, 64]))

    with pytest.raises(StoreError):
        RING.open(bytes(sealed))


def test_key_put_in_front_seals_and_the_old_one_still_opens_and_digests():
    rotated = KeyRing([NEW, OLD], digest_id="old")

    assert rotated.open(RING.seal("text")) == "text"
    assert rotated.digest("text") == RING.digest("text")
    with pytest.raises(StoreError):
        RING.open(rotated.seal("text"))


def test_digest_depends_on_its_key():
    assert KeyRing([NEW, OLD], digest_id="new").digest("x") != RING.digest("x")


def test_digest_takes_what_a_header_may_carry():
    assert RING.digest("\udc80") != RING.digest("\udc81")


def test_ring_without_its_digest_key_is_refused():
    with pytest.raises(ConfigurationError, match="'gone'"):
        KeyRing([NEW], digest_id="gone")


def test_configured_ring_wins_and_touches_no_file(tmp_path):
    ring = KeyRing.load(tmp_path / "data", as_json(NEW, OLD, digest="old"))

    assert ring.open(RING.seal("text")) == "text"
    assert ring.digest("text") == RING.digest("text")
    assert not (tmp_path / "data").exists()


def test_ring_made_at_first_start_is_read_at_the_second(tmp_path):
    first = KeyRing.load(tmp_path, None)
    second = KeyRing.load(tmp_path, None)

    assert second.open(first.seal("text")) == "text"
    assert second.digest("text") == first.digest("text")
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_starters_at_once_read_the_same_ring(tmp_path):
    together = threading.Barrier(8)
    rings = []

    def start():
        together.wait()
        rings.append(KeyRing.load(tmp_path, None))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({ring.digest("text") for ring in rings}) == 1
    assert len(rings) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize(
    "text",
    [
        "hush",
        "[]",
        '{"keys": []}',
        '{"keys": [], "digest": "hush"}',
        '{"keys": ["hush"], "digest": "hush"}',
        '{"keys": [{"id": "a", "key": "hush"}], "digest": "a"}',
        '{"keys": [{"id": "a", "key": "aHVzaA=="}], "digest": "a"}',
        '{"keys": [{"id": "a", "key": 5}], "digest": "a"}',
    ],
)
def test_text_that_is_not_a_ring_is_refused_without_a_trace_of_it(text, tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.load(tmp_path, text)

    assert caught.value.__cause__ is None
    assert '"key": "' not in str(caught.value)


def test_unreadable_place_for_the_ring_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="file"):
        KeyRing.load(tmp_path / "file", None)


def test_repr_names_the_keys_and_shows_none():
    ring = KeyRing([NEW, OLD], digest_id="old")

    assert repr(ring) == "KeyRing(new, old)"
    assert "nnn" not in repr(NEW)
