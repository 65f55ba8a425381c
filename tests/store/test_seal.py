"""What is stored can be read with its key, in its place, unaltered; and in no other way."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import CannotDecrypt, ConfigurationError
from bot.store.seal import Keyring

OLD, NEW = b"o" * 32, b"n" * 32
LOOKUP = b"l" * 32
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=500)


def ring(*names: str, lookup: bytes = LOOKUP) -> Keyring:
    keys = {"old": OLD, "new": NEW}
    return Keyring({name: keys[name] for name in names}, lookup)


@given(TEXTS)
def test_what_was_sealed_can_be_opened_again(text: str) -> None:
    assert ring("old").open(ring("old").seal(text, "inbox.message"), "inbox.message") == text


def test_sealing_the_same_words_twice_looks_different_each_time() -> None:
    keys = ring("old")
    assert keys.seal("the same words", "a.b") != keys.seal("the same words", "a.b")


def test_the_words_do_not_stand_in_what_is_stored() -> None:
    assert b"canary" not in ring("old").seal("canary", "a.b")


def test_after_a_new_key_came_first_old_values_still_open_and_new_ones_need_the_new_key() -> None:
    before = ring("old").seal("written before", "a.b")
    after = ring("new", "old").seal("written after", "a.b")
    assert ring("new", "old").open(before, "a.b") == "written before"
    assert ring("new").open(after, "a.b") == "written after"
    with pytest.raises(CannotDecrypt, match="'new' is missing"):
        ring("old").open(after, "a.b")


def test_a_value_moved_to_another_column_does_not_open() -> None:
    sealed = ring("old").seal("an address", "address.value")
    with pytest.raises(CannotDecrypt):
        ring("old").open(sealed, "outbox.text")


@given(st.data())
def test_a_value_with_one_bit_changed_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(ring("old").seal("words of somebody", "a.b"))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CannotDecrypt):
        ring("old").open(bytes(sealed), "a.b")


@given(st.integers(0, 40))
def test_a_value_that_was_cut_short_does_not_open(length: int) -> None:
    sealed = ring("old").seal("words of somebody", "a.b")[:length]
    with pytest.raises(CannotDecrypt):
        ring("old").open(sealed, "a.b")


def test_the_same_key_name_with_another_key_does_not_open() -> None:
    sealed = Keyring({"k": OLD}, LOOKUP).seal("words", "a.b")
    with pytest.raises(CannotDecrypt):
        Keyring({"k": NEW}, LOOKUP).open(sealed, "a.b")


def test_an_error_of_opening_says_nothing_of_what_was_inside() -> None:
    sealed = ring("old").seal("canary words", "a.b")
    with pytest.raises(CannotDecrypt) as raised:
        ring("new").open(sealed, "a.b")
    assert "canary" not in raised.value.sentence


def test_an_address_is_found_again_on_its_channel_only_and_with_its_key_only() -> None:
    found = ring("old").fingerprint("whatsapp", "+15550001111")
    assert found == ring("new").fingerprint("whatsapp", "+15550001111")
    assert found != ring("old").fingerprint("sms", "+15550001111")
    assert found != ring("old", lookup=b"x" * 32).fingerprint("whatsapp", "+15550001111")
    assert b"15550001111" not in found


def test_channel_and_address_cannot_be_confused() -> None:
    assert ring("old").fingerprint("sms", "a") != ring("old").fingerprint("sm", "s\0a"[1:])
    assert ring("old").fingerprint("ab", "c") != ring("old").fingerprint("a", "bc")


KEY = base64.b64encode(OLD).decode()


def test_keys_are_read_from_the_settings_first_one_seals() -> None:
    keys = Keyring.parse(f"b:{base64.b64encode(NEW).decode()}, a:{KEY}", KEY)
    assert keys.open(ring("new").seal("x", "p").replace(b"\x03new", b"\x01b"), "p") == "x"


@pytest.mark.parametrize(
    ("keys", "lookup", "said"),
    [
        ("", KEY, "missing"),
        (f"a:{KEY}", "", "missing"),
        ("a:not base64!", KEY, "encryption key 'a' is not valid base64"),
        (f"a:{KEY[:-8]}", KEY, "must have 32"),
        (f"a:{KEY}", "AAAA", "lookup key has 3 bytes"),
        (" , ", KEY, "An encryption key is needed"),
    ],
)
def test_a_wrong_key_setting_is_refused_with_a_sentence(keys: str, lookup: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Keyring.parse(keys, lookup)


def test_a_refusal_never_shows_the_key() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Keyring.parse("a:c2VjcmV0LXNlY3JldA==", KEY)
    assert "c2VjcmV0" not in raised.value.sentence


def test_two_keys_of_one_name_are_refused_for_one_of_them_would_be_lost() -> None:
    with pytest.raises(ConfigurationError):
        Keyring.parse(f"a:{KEY},a:{base64.b64encode(NEW).decode()}", KEY)


def test_a_new_key_can_be_used_at_once() -> None:
    keys = Keyring.parse(f"k:{Keyring.new_key()}", Keyring.new_key())
    assert keys.open_json(keys.seal_json({"a": ["б", 1, None]}, "p"), "p") == {"a": ["б", 1, None]}
