"""Two thousand messages while everything is killed: what was accepted is answered once, and in order."""

from __future__ import annotations

import dataclasses
import os

import pytest

from . import checker
from .plan import ENGINE, GATEWAY, POSTGRES, VALKEY, WORKERS, make_plan
from .run import CATCH_UP, soak

MESSAGES, CONTACTS, SECONDS = 2000, 100, 90.0
KILLS = {ENGINE: 3, GATEWAY: 3, POSTGRES: 3, VALKEY: 1, **dict.fromkeys(WORKERS, 3)}


@pytest.mark.soak
@pytest.mark.timeout(330)
async def test_whatever_dies_nobody_is_left_without_an_answer_or_answered_twice() -> None:
    seed = int(os.environ.get("HARBOUR_SOAK_SEED", "20261121"))
    plan = make_plan(seed, messages=MESSAGES, contacts=CONTACTS, seconds=SECONDS, kills=KILLS)
    report = await soak(plan)
    print(report)
    assert not report.faults, str(report)
    assert report.caught_up <= CATCH_UP
    assert all(report.killed[target] >= count for target, count in KILLS.items())

    # The run was hard enough to mean something.
    assert report.duplicates >= MESSAGES * 0.03
    assert report.reconciled.found > 0
    assert report.reconciled.sent_again > 0
    assert report.answers["no connection"] > 0
    assert len({row.inbox_id for row in report.found.outbox}) > MESSAGES / 2
    assert {"reply", "crisis", "confirmation"} <= {row.kind for row in report.found.outbox}

    # And what was found is something in which a loss would be seen.
    found = report.found
    for lesser in (
        dataclasses.replace(found, inbox=found.inbox[1:]),
        dataclasses.replace(found, taken=found.taken[1:]),
        dataclasses.replace(found, taken=[*found.taken, found.taken[0]]),
        dataclasses.replace(found, outbox=[row for row in found.outbox if row.provider_id != found.taken[0].sid]),
    ):
        assert checker.faults(lesser)
