"""The checker sees what it is there to see: each loss, double and disorder, made by hand, is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from .checker import Found, InboxRow, OutboxRow, Posted, Taken, Turn, faults, overtakings, shown
from .plan import ENGINE, POSTGRES, RISK, Plan, make_plan

ANA, BEN = "whatsapp:+15550000001", "whatsapp:CO.BEN"


def _posted(sid: str, contact: str, number: int, text: str = "hello", risky: bool = False) -> Posted:
    return Posted(sid, contact, number, text, risky, accepted=True)


def _row(number: int, sid: str, contact: str, text: str = "hello", silent: bool = False) -> InboxRow:
    return InboxRow(number, sid, contact, text, "done", (Turn(700 + number, silent),))


def _answer(
    position: int, inbox_id: int | None, contact: str, kind: str = "reply", status: str = "delivered"
) -> OutboxRow:
    transaction = 700 + (inbox_id or 99)
    return OutboxRow(
        f"id{position}", position, inbox_id, contact, f"answer {position}", kind, status, f"P{position}", transaction
    )


def _taken(position: int, contact: str) -> Taken:
    return Taken(f"P{position}", contact, f"answer {position}")


GOOD = Found(
    posted=[
        _posted("A1", ANA, 0),
        _posted("A2", ANA, 1, "menu"),
        _posted("B1", BEN, 0),
        _posted("B2", BEN, 1, RISK[0], risky=True),
        _posted("B3", BEN, 2),
    ],
    inbox=[
        _row(1, "A1", ANA),
        _row(2, "B1", BEN),
        _row(3, "A2", ANA, "menu"),
        _row(4, "B2", BEN, RISK[0], silent=True),
        _row(5, "B3", BEN, silent=True),
    ],
    outbox=[
        _answer(1, 1, ANA),
        _answer(2, 2, BEN),
        _answer(3, 3, ANA),
        _answer(4, 3, ANA, status="sent"),
        _answer(5, 4, BEN, kind="crisis", status="read"),
        dataclasses.replace(_answer(6, None, BEN, kind="notice", status="held"), provider_id=None),
    ],
    taken=[_taken(1, ANA), _taken(3, ANA), _taken(2, BEN), _taken(4, ANA), _taken(5, BEN)],
    stoppers=frozenset({BEN}),
    with_case=frozenset({BEN}),
)


def _but(name: str, change: Callable[[list[Any]], object]) -> Found:
    """GOOD, with one of its lists changed."""
    rows = list(getattr(GOOD, name))
    change(rows)
    changes: dict[str, Any] = {name: rows}
    return dataclasses.replace(GOOD, **changes)


def _without(name: str, place: int) -> Found:
    return _but(name, lambda rows: rows.pop(place))


def _with(name: str, one: object) -> Found:
    return _but(name, lambda rows: rows.append(one))


def _changed(name: str, place: int, **values: Any) -> Found:
    return _but(name, lambda rows: rows.insert(place, dataclasses.replace(rows.pop(place), **values)))


def _swapped(name: str, first: int, second: int) -> Found:
    def swap(rows: list[Any]) -> None:
        rows[first], rows[second] = rows[second], rows[first]

    return _but(name, swap)


def test_a_run_in_which_all_went_well_has_no_faults() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        # dropped
        (lambda: _without("inbox", 0), "A1 is 0 times in the inbox"),
        (lambda: _changed("posted", 0, accepted=False), "A1 was never accepted"),
        (lambda: _changed("inbox", 1, state="waiting", turns=()), "message 2 is still waiting"),
        (lambda: _changed("inbox", 1, turns=()), "message 2 was marked done 0 times"),
        (lambda: _without("outbox", 0), "message 1 has no answer"),
        (lambda: _without("outbox", 4), "message 4 speaks of risk and got no first answer"),
        (lambda: _changed("outbox", 4, kind="reply"), "message 4 speaks of risk and got no first answer"),
        (lambda: dataclasses.replace(GOOD, with_case=frozenset()), "message 4 speaks of risk and opened no case"),
        (lambda: _without("taken", 0), "outbox message 1 was accepted 0 times by the provider"),
        (lambda: _changed("outbox", 3, status="queued"), "outbox message 4 ended as queued"),
        (lambda: _changed("outbox", 3, status="sending"), "outbox message 4 ended as sending"),
        (lambda: _changed("outbox", 3, status="unknown"), "outbox message 4 ended as unknown"),
        (lambda: _changed("outbox", 3, status="failed"), "outbox message 4 ended as failed"),
        (lambda: _changed("outbox", 0, status="held"), "outbox message 1 is held although"),
        (lambda: _changed("outbox", 0, provider_id=None), "outbox message 1 was accepted 0 times"),
        # doubled
        (lambda: _with("inbox", _row(6, "A1", ANA)), "A1 is 2 times in the inbox"),
        (lambda: _with("inbox", _row(6, "X9", ANA)), "X9 is in the inbox and was never sent"),
        (lambda: _changed("inbox", 0, turns=(Turn(701, False), Turn(702, False))), "message 1 was marked done 2 times"),
        (
            lambda: _with("outbox", dataclasses.replace(_answer(7, 1, ANA), transaction=800)),
            "answer 7 to message 1 was queued by another turn",
        ),
        (lambda: _with("taken", _taken(1, ANA)), "outbox message 1 was accepted 2 times"),
        (lambda: _with("taken", Taken("P9", ANA, "answer 1")), "the provider accepted P9, which no outbox message"),
        (lambda: _changed("outbox", 2, provider_id="P1"), "2 outbox messages claim to be P1"),
        (lambda: _changed("outbox", 1, status="held"), "the provider accepted P2, which no outbox message"),
        # altered
        (lambda: _changed("inbox", 0, text="hallo"), "A1 is not in the inbox as it was written"),
        (lambda: _changed("taken", 0, text="another"), "outbox message 1 is another one at the provider"),
        (lambda: _changed("taken", 0, contact=BEN), "outbox message 1 is another one at the provider"),
        # disordered
        (lambda: _swapped("posted", 0, 1), None),
        (lambda: _changed("inbox", 0, id=9), "A2 stands in the inbox before the earlier A1"),
        (
            lambda: _with("outbox", dataclasses.replace(_answer(7, 1, ANA), provider_id="P7")),
            "the answer to message 3 stands before the answer to 1",
        ),
        (lambda: _swapped("taken", 1, 3), "outbox message 3 reached the provider after the later 4"),
        # dead
        (
            lambda: dataclasses.replace(GOOD, unexpected_exits=["worker-1 (exit code 0)"]),
            "worker-1 (exit code 0) ended",
        ),
    ],
)
def test_what_is_dropped_doubled_altered_or_disordered_is_found(make: Callable[[], Found], says: str | None) -> None:
    found = faults(make())
    if says is None:
        assert found == []
    else:
        assert any(fault.startswith(says) for fault in found), found


def test_every_single_row_that_disappears_is_missed() -> None:
    """The order of the inbox's rows and what is held are all that may vanish unseen."""
    for name in ("inbox", "outbox", "taken"):
        for place in range(len(getattr(GOOD, name))):
            bare = name == "outbox" and GOOD.outbox[place].inbox_id is None
            assert bool(faults(_without(name, place))) is not bare, (name, place)


def test_every_single_row_that_is_doubled_is_noticed() -> None:
    for name in ("inbox", "taken"):
        for one in getattr(GOOD, name):
            assert faults(_with(name, one)), (name, one)
    for one in GOOD.outbox:
        doubled = dataclasses.replace(one, id="again", position=50, transaction=999)
        assert (faults(_with("outbox", doubled)) == []) is (one.inbox_id is None)


def test_an_answer_to_risk_may_go_ahead_and_is_counted() -> None:
    ahead = _changed("outbox", 1, inbox_id=4, kind="crisis", transaction=704)
    ahead = dataclasses.replace(
        ahead, outbox=[dataclasses.replace(o, inbox_id=2, kind="reply", transaction=702) if o.position == 5 else o
                       for o in ahead.outbox]
    )  # fmt: skip
    assert faults(ahead) == []
    assert overtakings(ahead.outbox) == 1
    assert overtakings(GOOD.outbox) == 0


def test_a_long_list_of_faults_is_cut() -> None:
    assert shown([str(number) for number in range(30)]).endswith("... and 10 more")


def test_a_seed_always_gives_the_same_plan() -> None:
    def plan(seed: int) -> Plan:
        return make_plan(seed, messages=200, contacts=7, seconds=30, kills={ENGINE: 3, POSTGRES: 2})

    assert plan(3) == plan(3)
    assert plan(3) != plan(4)


def test_a_plan_holds_what_it_promises() -> None:
    plan = make_plan(5, messages=2000, contacts=99, seconds=60, kills={ENGINE: 3, POSTGRES: 2})
    assert len(plan.messages) == len({message.sid for message in plan.messages}) == 2000
    assert 0.03 < sum(bool(message.again) for message in plan.messages) / 2000 < 0.08
    assert [kill.target for kill in plan.kills].count(ENGINE) == 3
    moments = [message.at for message in plan.messages] + [kill.at for kill in plan.kills]
    assert all(0 <= moment <= 60 for moment in moments)
    assert any(message.risky for message in plan.messages)
    for number in range(99):
        numbers = [message.number for message in plan.messages if message.contact == number]
        assert numbers == sorted(numbers)
