"""Starting Rasa without TensorFlow, which it imports always and our pipeline uses never.

Owns: leave_out_tensorflow().
May import: the standard library and PyYAML.
Start reading at: `leave_out_tensorflow`.

Measured here: imports take 6.1 s in place of 13.5 s, and 197 MB in place of 535 MB. Rasa's classes that
build on TensorFlow can then still be named, but not used; so a pipeline with one of them keeps it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

_LEFT_OUT = ("tensorflow", "tensorflow_hub", "tensorflow_text", "keras")
_WITHOUT_IT = ("FallbackClassifier",)
_OURS = "bot.engine."


def leave_out_tensorflow(config: Path) -> bool:
    """Put an empty stand-in in TensorFlow's place, if nothing in the pipeline needs it. Was it put?"""
    if _needs_tensorflow(config) or any(name in sys.modules for name in _LEFT_OUT):
        return False
    sys.meta_path.insert(0, _Finder())
    return True


def _needs_tensorflow(config: Path) -> bool:
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    names = [part["name"] for part in [*settings["pipeline"], *settings["policies"]]]
    return not all(name in _WITHOUT_IT or name.startswith(_OURS) for name in names)


class _Names(type):
    """Every attribute of the stand-in is the stand-in again: tf.keras.layers.Layer, tf.Tensor, ..."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing


class _Nothing(metaclass=_Names):
    """Can be a base class, a type in an annotation, and a decorator; that is all Rasa's imports ask."""

    def __new__(cls, *given: Any, **named: Any) -> Any:
        if cls is _Nothing and len(given) == 1 and callable(given[0]):
            return given[0]
        return super().__new__(cls)

    def __init__(self, *given: Any, **named: Any) -> None:
        pass

    def __call__(self, decorated: Any) -> Any:
        return decorated

    def __class_getitem__(cls, item: Any) -> Any:
        return cls


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.split(".")[0] not in _LEFT_OUT:
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""
