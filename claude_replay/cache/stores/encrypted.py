"""Entries that only who has the key can read, in any store."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from claude_replay.cache.entry import EVERYTHING, Entry, Listed, Selection, Stored, StoreStats
from claude_replay.cache.stores.base import Store
from claude_replay.errors import SettingsError

__all__ = ["EncryptedStore", "UnreadableEntryWarning"]

_NEW_KEY = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


class UnreadableEntryWarning(UserWarning):
    """An entry could not be decrypted: another key, or somebody changed it; Claude is asked instead."""


class EncryptedStore(Store):
    """
    Encrypts what was asked and answered, and passes on everything else to `store`.

    `keys` are Fernet keys (AES-128-CBC with HMAC-SHA256; 44 characters of base64): the first encrypts, all decrypt,
    so a new key goes in front and the old one stays until its entries are gone. An entry that none of them opens
    counts as not there: it is counted ("unreadable") and the first one is warned of. Each text is bound to the key
    of its entry, so none can be put in another's place.

    Still readable in the store are hashes, times, sizes, names of models, tags and namespaces. Raises SettingsError
    for a key that is none, or where the package `cryptography` is missing.
    """

    def __init__(self, store: Store, keys: str | bytes | Sequence[str | bytes]) -> None:
        self._store = store
        self._box = _make_box([keys] if isinstance(keys, (str, bytes)) else keys)
        self._warned = False

    def __repr__(self) -> str:
        return f"EncryptedStore({self._store!r})"

    def _seal(self, entry: Entry) -> Entry:
        bound = entry.key.encode()
        request = self._box.encrypt(bound + entry.request) if entry.request else b""
        return replace(entry, envelope=self._box.encrypt(bound + entry.envelope), request=request)

    def _open(self, key: str, sealed: bytes) -> bytes | None:
        from cryptography.fernet import InvalidToken

        try:
            opened: bytes = self._box.decrypt(sealed)
        except InvalidToken:
            return None
        bound = key.encode()
        return opened[len(bound) :] if opened.startswith(bound) else None

    def _open_stored(self, key: str, stored: Stored) -> Stored | None:
        envelope = self._open(key, stored.envelope)
        return None if envelope is None else stored._replace(envelope=envelope)

    def _open_entry(self, sealed: Entry) -> Entry | None:
        envelope = self._open(sealed.key, sealed.envelope)
        request = self._open(sealed.key, sealed.request) if sealed.request else b""
        return (
            None
            if envelope is None or request is None
            else replace(sealed, envelope=envelope, request=request)
        )

    def _warn(self) -> None:
        if self._warned:
            return
        self._warned = True
        warnings.warn(
            f"{self._store!r} holds entries that the encryption key does not open; they count as misses "
            '(stats: "unreadable"). Give the key they were written with as well: encryption_key=[new, old]',
            UnreadableEntryWarning,
            stacklevel=2,
        )

    # ------------------------------------------------------------------ what is opened or sealed

    def get(self, key: str) -> Stored | None:
        stored = self._store.get(key)
        opened = None if stored is None else self._open_stored(key, stored)
        if stored is not None and opened is None:
            self._store.count({"unreadable": 1})
            self._warn()
        return opened

    def put(self, entry: Entry) -> None:
        self._store.put(self._seal(entry))

    def load(self, key: str) -> Entry | None:
        sealed = self._store.load(key)
        opened = None if sealed is None else self._open_entry(sealed)
        if sealed is not None and opened is None:
            self._warn()
        return opened

    async def aget(self, key: str) -> Stored | None:
        stored = await self._store.aget(key)
        opened = None if stored is None else self._open_stored(key, stored)
        if stored is not None and opened is None:
            await self._store.acount({"unreadable": 1})
            self._warn()
        return opened

    async def aput(self, entry: Entry) -> None:
        await self._store.aput(self._seal(entry))

    async def aload(self, key: str) -> Entry | None:
        sealed = await self._store.aload(key)
        opened = None if sealed is None else self._open_entry(sealed)
        if sealed is not None and opened is None:
            self._warn()
        return opened

    # ------------------------------------------------------------------ what is passed on

    def delete(self, key: str) -> bool:
        return self._store.delete(key)

    def delete_where(self, selection: Selection) -> int:
        return self._store.delete_where(selection)

    def kin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        return self._store.kin(marks, limit)

    def listed(self, selection: Selection = EVERYTHING) -> Iterator[Listed]:
        return self._store.listed(selection)

    def count(self, amounts: Mapping[str, float]) -> None:
        self._store.count(amounts)

    def stats(self) -> StoreStats:
        return self._store.stats()

    def epochs(self, names: Sequence[str]) -> tuple[int, ...]:
        return self._store.epochs(names)

    def advance(self, name: str) -> int:
        return self._store.advance(name)

    def lease(self, key: str, holder: str, seconds: float) -> bool:
        return self._store.lease(key, holder, seconds)

    def release(self, key: str, holder: str) -> None:
        self._store.release(key, holder)

    def close(self) -> None:
        self._store.close()

    async def adelete(self, key: str) -> bool:
        return await self._store.adelete(key)

    async def adelete_where(self, selection: Selection) -> int:
        return await self._store.adelete_where(selection)

    async def akin(self, marks: Sequence[str], limit: int = 32) -> list[Listed]:
        return await self._store.akin(marks, limit)

    def alisted(self, selection: Selection = EVERYTHING) -> AsyncIterator[Listed]:
        return self._store.alisted(selection)

    async def acount(self, amounts: Mapping[str, float]) -> None:
        await self._store.acount(amounts)

    async def astats(self) -> StoreStats:
        return await self._store.astats()

    async def aepochs(self, names: Sequence[str]) -> tuple[int, ...]:
        return await self._store.aepochs(names)

    async def aadvance(self, name: str) -> int:
        return await self._store.aadvance(name)

    async def alease(self, key: str, holder: str, seconds: float) -> bool:
        return await self._store.alease(key, holder, seconds)

    async def arelease(self, key: str, holder: str) -> None:
        await self._store.arelease(key, holder)

    async def aclose(self) -> None:
        await self._store.aclose()


def _make_box(keys: Sequence[str | bytes]) -> Any:
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError:
        raise SettingsError(
            "an encrypted store needs the package cryptography: pip install 'pytest-claude-replay[encryption]'"
        ) from None
    if not keys:
        raise SettingsError(f"an encrypted store needs at least one key; make one: {_NEW_KEY}")
    boxes = []
    for place, key in enumerate(keys, 1):
        try:
            boxes.append(Fernet(key))
        except ValueError:
            # Never quotes it: it may be the right key with a letter missing.
            raise SettingsError(
                f"encryption key {place} of {len(keys)} is no Fernet key (32 bytes as URL-safe base64); "
                f"make one: {_NEW_KEY}"
            ) from None
    return MultiFernet(boxes)
