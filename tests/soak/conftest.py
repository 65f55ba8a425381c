"""The mark by which these slow tests can be left out: `pytest -m "not soak"`."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: starts everything as processes and kills them; takes minutes")
