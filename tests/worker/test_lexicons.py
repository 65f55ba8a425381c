"""A changed lexicon screens within seconds; one that cannot be used never stops the screening."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bot.conversation import live_screener
from bot.conversation.live_screener import LiveScreener, Outcome
from bot.conversation.screening import load_screener
from bot.conversation.sign_off import Signing, give, sign_off_of
from bot.conversation.turn import TurnConfig, TurnHandler
from bot.errors import ContentError
from bot.worker import metrics
from bot.worker.lexicons import keep_lexicons_fresh
from escalation import RiskLevel, Screener
from tests.world import World

LEXICON = """\
language: en
version: 1
sign_off: {{status: draft, clinician: null, native_speaker: null, date: null, signed_hash: null}}
entries:
  - id: en-test-1
    category: R1
    signals: intent
    patterns: [{patterns}]
    rationale: for the test
    source: for the test
"""
OLD, NEW = "greyharbour", "blackharbour"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lexicons = tmp_path / "lexicon"
    lexicons.mkdir()
    write(lexicons, OLD)
    return lexicons


ticks = iter(range(1, 10_000))


def write(folder: Path, *patterns: str, raw: str = "") -> None:
    """Write the lexicon, at a moment of its own."""
    path = folder / "en.yml"
    path.write_text(raw or LEXICON.format(patterns=", ".join(patterns)), encoding="utf-8")
    os.utime(path, ns=(next(ticks) * 10**9,) * 2)


def demo(folder: Path) -> LiveScreener:
    return LiveScreener(Signing(folder, folder / "flows", ("en",), demo=True))


def hears(screener: LiveScreener, word: str) -> bool:
    return screener.assess(word).level >= RiskLevel.HIGH


async def test_a_changed_lexicon_is_used_once_it_stands_still(folder: Path) -> None:
    screener = demo(folder)
    assert (await screener.look()).outcome is Outcome.SAME
    write(folder, OLD, NEW)
    assert (await screener.look()).outcome is Outcome.SETTLING
    assert not hears(screener, NEW)
    assert (await screener.look()).outcome is Outcome.SWAPPED
    assert hears(screener, NEW) and hears(screener, OLD)
    assert (await screener.look()).outcome is Outcome.SAME


@pytest.mark.parametrize("raw", ["language: en\nentries: {", "language: en\nnonsense: 1\n", "\xff", ""])
async def test_a_broken_lexicon_leaves_the_old_one_in_use(folder: Path, raw: str) -> None:
    screener = demo(folder)
    if raw:
        write(folder, raw=raw)
    else:
        (folder / "en.yml").unlink()
    await screener.look()
    look = await screener.look()
    assert look.outcome is Outcome.BROKEN and look.sentence
    assert hears(screener, OLD)
    assert (await screener.look()).outcome is Outcome.SAME, "said once, not every second"
    write(folder, NEW)
    await screener.look()
    assert (await screener.look()).outcome is Outcome.SWAPPED
    assert hears(screener, NEW)


async def test_messages_are_screened_while_a_lexicon_is_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screener, may_end = demo(folder), threading.Event()

    def slowly(lexicons: Path) -> Screener:
        assert may_end.wait(20)
        return load_screener(lexicons)

    monkeypatch.setattr(live_screener, "load_screener", slowly)
    write(folder, NEW)
    await screener.look()
    looking = asyncio.create_task(screener.look())
    for _ in range(20):
        await asyncio.sleep(0.005)
        assert hears(screener, OLD)
    may_end.set()
    assert (await looking).outcome is Outcome.SWAPPED
    assert hears(screener, NEW) and not hears(screener, OLD)


async def test_a_lexicon_that_is_written_on_while_it_is_compiled_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screener = demo(folder)

    def meanwhile(lexicons: Path) -> Screener:
        made = load_screener(lexicons)
        write(folder, OLD, NEW)
        return made

    write(folder, "somethingelse")
    await screener.look()
    with monkeypatch.context() as patch:
        patch.setattr(live_screener, "load_screener", meanwhile)
        assert (await screener.look()).outcome is Outcome.SETTLING
    assert hears(screener, OLD)
    await screener.look()
    assert (await screener.look()).outcome is Outcome.SWAPPED
    assert hears(screener, OLD) and hears(screener, NEW)


async def test_an_unsigned_change_is_not_used_for_real_people_until_it_is_signed(folder: Path) -> None:
    def sign() -> None:
        one = sign_off_of("lexicon/en", folder, folder / "flows")
        give(one, clinician="A", native_speaker="B", on=date(2026, 3, 2))

    sign()
    screener = LiveScreener(Signing(folder, folder / "flows", ("en",)))
    write(folder, OLD, NEW)
    await screener.look()
    look = await screener.look()
    assert look.outcome is Outcome.UNSIGNED and "lexicon/en" in look.sentence
    assert hears(screener, OLD) and not hears(screener, NEW)
    sign()
    await screener.look()
    assert (await screener.look()).outcome is Outcome.SWAPPED
    assert hears(screener, NEW)


def test_a_worker_does_not_start_without_lexicons(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="no lexicon"):
        demo(tmp_path)


@pytest.fixture
def counted() -> Iterator[None]:
    yield
    metrics.LEXICONS_STALE.set(0)


def figure(outcome: str) -> float:
    return metrics.LEXICON_CHANGES.labels(outcome)._value.get()


async def test_the_worker_goes_on_and_says_in_log_and_metrics_what_is_wrong(
    folder: Path, capsys: pytest.CaptureFixture[str], counted: None
) -> None:
    screener, before = demo(folder), figure("broken")
    keeping = asyncio.create_task(keep_lexicons_fresh(screener, every=0.01))
    write(folder, raw="language: en\nnonsense: 1\n")
    await until(lambda: metrics.LEXICONS_STALE._value.get() == 1)
    assert figure("broken") == before + 1
    assert "nonsense" in capsys.readouterr().out
    write(folder, NEW)
    await until(lambda: hears(screener, NEW))
    assert not keeping.done()
    assert metrics.LEXICONS_STALE._value.get() == 0
    keeping.cancel()


async def until(holds: object, patience: float = 10) -> None:
    for _ in range(int(patience / 0.02)):
        if holds():  # type: ignore[operator]
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came")


async def test_the_next_message_is_screened_with_the_new_words(world: World, folder: Path) -> None:
    screener = demo(folder)
    world.turns = TurnHandler(world.database, world.engine, screener, TurnConfig())
    person = world.person()
    await person.consents()
    await person.writes(NEW)
    assert await person.case() is None
    write(folder, NEW)
    await screener.look()
    await screener.look()
    await person.writes(NEW)
    case = await person.case()
    assert case is not None and case.level >= RiskLevel.HIGH
