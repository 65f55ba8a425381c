"""The published bundles this engine holds, in memory, by hash.

Owns: BundleShelf.
May import: `bot.flow`.
Start reading at: `BundleShelf`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from bot.flow import Bundle

MOST_HELD = 8


class BundleShelf:
    """The newest few bundles; the one unused for longest goes first. It can always be re-sent."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self._most = most
        self._held: OrderedDict[str, Bundle] = OrderedDict()

    def get(self, name: str) -> Bundle | None:
        """The bundle of that hash, if it is here."""
        if name in self._held:
            self._held.move_to_end(name)
        return self._held.get(name)

    def put(self, name: str, data: Mapping[str, Any]) -> bool:
        """Keep a bundle sent as JSON. False if its content does not hash to `name`."""
        bundle = Bundle.from_json(data)
        if bundle.hash != name:
            return False
        self._held[name] = bundle
        self._held.move_to_end(name)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        return True
