"""Encryption at rest: sealing values, and finding addresses without opening them.

Owns: Keyring.
May import: cryptography, `bot.errors`.
Start reading at: `Keyring`.

A sealed value is: key id length (1 byte), key id, nonce (12 bytes), AES-256-GCM ciphertext.
The purpose (table and column) is authenticated with it, so a value cannot be moved elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import CannotDecrypt, ConfigurationError

_NONCE = 12
_KEY = 32


class Keyring:
    """The keys of one deployment. The first seals; every one opens what it sealed."""

    def __init__(self, keys: Mapping[str, bytes], lookup_key: bytes) -> None:
        if not keys:
            raise ConfigurationError("An encryption key is needed: set HARBOUR_ENCRYPTION_KEYS.")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._primary = next(iter(keys))
        self._lookup_key = lookup_key

    @staticmethod
    def parse(keys: str, lookup_key: str) -> Keyring:
        """From the settings: `id:base64,id:base64` and base64. Raises ConfigurationError."""
        if not keys or not lookup_key:
            raise ConfigurationError(
                "Encryption keys are missing: set HARBOUR_ENCRYPTION_KEYS and HARBOUR_LOOKUP_KEY"
                " (`harbour keys new` makes a pair). Keep them safe: without them nothing can be read."
            )
        pairs = [part.strip().partition(":") for part in keys.split(",") if part.strip()]
        if len({key_id for key_id, _, _ in pairs}) < len(pairs):
            raise ConfigurationError("Two encryption keys have the same id; give each its own.")
        return Keyring(
            {key_id: _key(f"encryption key {key_id!r}", value) for key_id, _, value in pairs},
            _key("lookup key", lookup_key),
        )

    @staticmethod
    def new_key() -> str:
        """A fresh random key, base64."""
        return base64.b64encode(os.urandom(_KEY)).decode()

    def seal(self, value: str, purpose: str) -> bytes:
        """`value`, encrypted for `purpose` ("table.column")."""
        nonce = os.urandom(_NONCE)
        key_id = self._primary.encode()
        sealed = self._ciphers[self._primary].encrypt(nonce, value.encode(), purpose.encode())
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def open(self, sealed: bytes, purpose: str) -> str:
        """The value again. Raises CannotDecrypt without its key or if it was altered or moved."""
        length = sealed[0] if sealed else 0
        key_id = sealed[1 : 1 + length].decode(errors="replace")
        nonce, body = sealed[1 + length : 1 + length + _NONCE], sealed[1 + length + _NONCE :]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise CannotDecrypt(f"The encryption key {key_id!r} is missing; add it to HARBOUR_ENCRYPTION_KEYS.")
        try:
            return cipher.decrypt(nonce, body, purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotDecrypt(f"A value of {purpose} cannot be opened: altered, moved, or another key.") from error

    def seal_json(self, value: Any, purpose: str) -> bytes:
        """A JSON value, encrypted."""
        return self.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")), purpose)

    def open_json(self, sealed: bytes, purpose: str) -> Any:
        """The JSON value again."""
        return json.loads(self.open(sealed, purpose))

    def pseudonym(self, purpose: str, value: str) -> uuid.UUID:
        """An id that is always the same for `value`, and leads back to it only with the lookup key."""
        keyed = hmac.new(self._lookup_key, f"pseudonym\0{purpose}\0{value}".encode(), hashlib.sha256)
        return uuid.UUID(bytes=keyed.digest()[:16])

    def fingerprint(self, channel: str, address: str) -> bytes:
        """A keyed hash (HMAC-SHA-256) by which an address is found."""
        return hmac.new(self._lookup_key, f"{channel}\0{address}".encode(), hashlib.sha256).digest()


def _key(name: str, value: str) -> bytes:
    try:
        key = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ConfigurationError(f"The {name} is not valid base64.") from error
    if len(key) != _KEY:
        raise ConfigurationError(f"The {name} has {len(key)} bytes; it must have {_KEY}.")
    return key
