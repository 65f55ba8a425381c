"""Conditions of branches: safe expressions over `slots` and `facts`, never code.

Owns: holds(), problem_in().
May import: simpleeval.
Start reading at: `holds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simpleeval import InvalidExpression, SimpleEval


class _Names:
    """Attribute access that gives None for what is not set."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values.get(name)


def holds(condition: str, slots: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether `condition` is true; an empty one is. A comparison with an unset slot is false."""
    if not condition:
        return True
    evaluator = SimpleEval(names={"slots": _Names(slots), "facts": _Names(facts)}, functions={"len": len})
    try:
        return bool(evaluator.eval(condition))
    except TypeError:
        return False


def problem_in(condition: str) -> str | None:
    """What is wrong with the form of `condition`, in words; None if it can be evaluated."""
    try:
        holds(condition, {}, {})
    except (InvalidExpression, SyntaxError, ValueError, AttributeError) as error:
        return str(error).splitlines()[0]
    return None
