"""Entries that only who has the key can read."""

from __future__ import annotations

import asyncio
import sys
import warnings
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cache.asking import make_client
from cache.contract import OpenStore, StoreContract, make_entry
from claude_replay import EncryptedStore, MemoryStore, ResponseCache, SettingsError
from claude_replay.cache.stores.encrypted import UnreadableEntryWarning
from sdk_ways import ask
from standin import ClaudeServer


class TestEncryptedStore(StoreContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda: EncryptedStore(MemoryStore(), Fernet.generate_key())


def test_nothing_that_was_asked_or_answered_can_be_read_without_the_key() -> None:
    """The same answer twice does not even look the same."""
    inner = MemoryStore()
    store = EncryptedStore(inner, Fernet.generate_key())
    for number in (1, 2):
        store.put(make_entry(number, envelope=b"the answer", request=b"the question"))

    sealed = [inner.load(make_entry(number).key) for number in (1, 2)]
    for entry in sealed:
        assert entry is not None
        assert b"answer" not in entry.envelope
        assert b"question" not in entry.request
    assert sealed[0] != sealed[1]
    store.put(make_entry(3, request=b""))
    loaded = store.load(make_entry(3).key)
    assert loaded is not None
    assert loaded.request == b""


def test_keys_are_rotated() -> None:
    """A new one goes in front; what the old one wrote is still read, and what is written needs the new one."""
    inner, old, new = MemoryStore(), Fernet.generate_key().decode(), Fernet.generate_key().decode()
    EncryptedStore(inner, old).put(make_entry(1))
    both = EncryptedStore(inner, [new, old])
    both.put(make_entry(2))

    assert both.get(make_entry(1).key) is not None
    assert EncryptedStore(inner, new).get(make_entry(2).key) is not None


def test_with_another_key_an_entry_is_not_there() -> None:
    """Each time is counted, the first is warned of, and nothing fails."""
    inner, entry = MemoryStore(), make_entry()
    EncryptedStore(inner, Fernet.generate_key()).put(entry)
    store = EncryptedStore(inner, Fernet.generate_key())

    with pytest.warns(UnreadableEntryWarning, match=r"encryption_key=\[new, old\]"):
        assert store.get(entry.key) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asyncio.run(store.aget(entry.key)) is None
        assert store.load(entry.key) is None
        assert asyncio.run(store.aload(entry.key)) is None
    assert store.stats().counters == {"unreadable": 2}

    store.put(entry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.get(entry.key) is not None


def test_an_entry_that_was_changed_is_not_there() -> None:
    """Nor one in clear, nor one that was put in another's place."""
    inner, key = MemoryStore(), Fernet.generate_key()
    store = EncryptedStore(inner, key)
    store.put(make_entry(1))
    store.put(make_entry(2))
    one, two = inner.load(make_entry(1).key), inner.load(make_entry(2).key)
    assert one is not None
    assert two is not None
    swapped = make_entry(1, envelope=two.envelope, request=two.request)
    cut = make_entry(2, envelope=two.envelope[:-5], request=two.request)
    for changed in (swapped, cut, make_entry(3)):
        inner.put(changed)
        with pytest.warns(UnreadableEntryWarning, match="does not open"):
            assert EncryptedStore(inner, key).get(changed.key) is None
        with pytest.warns(UnreadableEntryWarning, match="does not open"):
            assert EncryptedStore(inner, key).load(changed.key) is None


def test_a_key_that_is_none_is_refused() -> None:
    """With the command that makes one, and without the key."""
    almost = Fernet.generate_key().decode()[:-3]
    with pytest.raises(
        SettingsError, match=r"encryption key 2 of 2 is no Fernet key .* make one: python -c"
    ) as caught:
        EncryptedStore(MemoryStore(), [Fernet.generate_key(), almost])
    assert almost not in str(caught.value)
    with pytest.raises(SettingsError, match="at least one key"):
        EncryptedStore(MemoryStore(), [])


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(SettingsError, match=r"pip install 'pytest-claude-replay\[encryption\]'"):
        EncryptedStore(MemoryStore(), "key")


def test_it_says_what_it_wraps() -> None:
    """And not with which key."""
    key = Fernet.generate_key().decode()
    shown = repr(EncryptedStore(MemoryStore(), key))
    assert shown.startswith("EncryptedStore(<")
    assert key not in shown


def test_a_cache_encrypts_what_it_keeps(server: ClaudeServer, tmp_path: Path) -> None:
    """In a file of which nobody without the key can tell what was asked."""
    key = Fernet.generate_key()
    for _ in range(2):
        cache = ResponseCache(tmp_path / "answers.db", encryption_key=[key])
        client = make_client(cache, server)
        client.messages.create(**ask("Where is the treasure buried?", system="You are a pirate."))
        cache.close()

    assert server.count == 1
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"treasure" not in kept
    assert b"pirate" not in kept
