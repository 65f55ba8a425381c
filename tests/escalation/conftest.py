"""The screener with every lexicon of the project, compiled once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from escalation import Screener

LEXICONS = Path(__file__).parents[2] / "escalation" / "lexicon"


def documents() -> list[dict[str, object]]:
    """Every lexicon document, parsed."""
    return [yaml.safe_load(path.read_text("utf-8")) for path in sorted(LEXICONS.glob("*.yml"))]


@pytest.fixture(scope="session")
def screener() -> Screener:
    """All lexicons together, as every message meets them."""
    return Screener(documents())
