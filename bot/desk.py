"""The counsellor's desk in a terminal: list, show, take, answer and close cases.

Owns: desk(), shown_line(), labelled().
May import: care, store, settings.
Start reading at: `desk`.
"""

from __future__ import annotations

from datetime import datetime

from bot import clock
from bot.care import feedback, handover
from bot.care.feedback import Finding
from bot.errors import ConfigurationError
from bot.settings import Settings
from bot.store import cases
from bot.store.cases import Case, Line
from bot.store.database import Session
from bot.store.labels import Judged
from bot.store.wake import OUTBOX, Wake
from bot.terminal import open_database
from escalation.case import CLOSING_REASONS, CaseState, state_of

_LEVELS = ("asked", "watch", "elevated", "HIGH", "IMMINENT")


async def desk(
    settings: Settings,
    *,
    case: str,
    answer: str,
    take: bool,
    close: str,
    by: str,
    supervisor: bool = False,
    finding: Finding | None = None,
) -> None:
    """One act on one case, or the list. `supervisor` may close another's case; `finding` is what the
    counsellor found about a message of it. Raises HarbourError with a sentence."""
    async with open_database(settings) as database:
        async with database.transaction() as session:
            if not case:
                _print_queue(await cases.queue_of_cases(session))
                return
            found = await cases.find(session, case)
            if found is None:
                raise ConfigurationError(f"There is no one open case that begins with {case!r}; see `harbour cases`.")
            if finding is not None:
                print(labelled(await feedback.label(session, found.contact_id, by, finding, found.id), finding))
            await _act(session, found, answer, take, close, by, settings.sms_segments, supervisor)
        if answer or close:
            await Wake(settings.redis_url.get_secret_value()).call(OUTBOX)
        if not close:
            async with database.transaction() as session:
                await _show(session, found, by)


async def _act(
    session: Session, case: Case, answer: str, take: bool, close: str, by: str, sms_segments: int, supervisor: bool
) -> None:
    if take:
        await handover.acknowledge(session, case, by)
    if answer:
        await handover.answer(session, case, by, answer, sms_segments=sms_segments)
    if close:
        await handover.hand_back(session, case, by, close, supervisor=supervisor)
        print("closed; the bot answers again")


def _print_queue(queue: list[Case]) -> None:
    if not queue:
        print("No one is waiting.")
        return
    print(f"{'case':9} {'level':9} {'waiting':8} {'language':9} {'state':13} why")
    for case in queue:
        state = state_of([event.kind for event in case.events]).value
        why = ", ".join([case.reason, *case.categories])
        print(
            f"{str(case.id)[:8]:9} {_LEVELS[case.level]:9} {_ago(case.opened_at):8} {case.language or '?':9} {state:13} {why}"
        )
    print('\nharbour cases CASE · --take · --answer "…" · --close REASON')


async def _show(session: Session, case: Case, by: str) -> None:
    """One case: what happened, and the conversation. Looking is written down."""
    shown = await cases.find(session, str(case.id)) or case
    await cases.audit(session, by, "opened", case.id)
    state = state_of([event.kind for event in shown.events])
    print(
        f"case {str(shown.id)[:8]} · {_LEVELS[shown.level]} · {state.value} · {', '.join(shown.categories) or shown.reason}"
    )
    for event in shown.events:
        print(f"  {_clock(event.at)}  {event.kind} by {event.by} {event.note}")
    print()
    for line in await cases.conversation(session, shown.contact_id):
        print(shown_line(line))
    if state is not CaseState.CLOSED:
        print(f"\nto close: --close with one of: {', '.join(CLOSING_REASONS)}")


def shown_line(line: Line) -> str:
    """One line of a conversation, with the number of what the contact wrote."""
    who = line.by if line.message is None else f"{line.by} {line.message}"
    mark = f" [level {line.level}]" if line.level else ""
    state = f" ({line.status})" if line.by != "contact" else ""
    body = line.text.replace("\n", "\n" + " " * 27)
    gave = f" [gave lines: {', '.join(line.gave)}]" if line.gave else ""
    return f"{_clock(line.at)}  {who:14}{body}{mark}{state}{gave}"


def labelled(message: Judged, finding: Finding) -> str:
    """What was written down about a message."""
    return f"message {message.inbox_id} is labelled: given level {message.level}, should have been {finding.level}"


def _clock(at: datetime) -> str:
    return at.astimezone().strftime("%d.%m %H:%M")


def _ago(at: datetime) -> str:
    minutes = int((clock.now() - at).total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
