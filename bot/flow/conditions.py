"""Conditions of branches: safe expressions over `slots` and `facts`, never code.

Owns: holds(), problem_in().
May import: simpleeval.
Start reading at: `holds`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

_KNOWN = {"slots", "facts", "len"}


class _Names:
    """Attribute access that gives None for what is not set."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values.get(name)


def holds(condition: str, slots: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether `condition` is true; an empty one is. A comparison with an unset slot is false.

    Raises what `problem_in` would have said, for a condition that was published unchecked.
    """
    if not condition:
        return True
    evaluator = SimpleEval(names={"slots": _Names(slots), "facts": _Names(facts)}, functions={"len": len})
    try:
        return bool(evaluator.eval(condition, _parsed(condition)))
    except TypeError:
        return False


def problem_in(condition: str) -> str | None:
    """What is wrong with the form of `condition`, in words; None if it can be evaluated."""
    if not condition:
        return None
    try:
        # By hand, since what stands behind an `and` is not evaluated here.
        named = {node.id for node in ast.walk(_parsed(condition)) if isinstance(node, ast.Name)}
        if named - _KNOWN:
            return f'"{min(named - _KNOWN)}" is not known; write slots.name or facts.name'
        holds(condition, {}, {})
    except (InvalidExpression, SyntaxError, ValueError, AttributeError, ArithmeticError) as error:
        return str(error).splitlines()[0]
    return None


def _parsed(condition: str) -> ast.expr:
    """As one expression: `a = b`, which simpleeval would take for `b`, is a SyntaxError."""
    return ast.parse(condition.strip(), mode="eval").body
