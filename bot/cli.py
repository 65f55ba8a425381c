"""harbour …: every command, and nothing but commands.

Owns: the command line.
May import: everything.
Start reading at: `main`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Coroutine, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psutil
import typer

from bot import settings as settings_module
from bot.errors import ConfigurationError, HarbourError
from bot.settings import Settings
from escalation import Assessment, Screener
from escalation.lines import VerifyMethod

if TYPE_CHECKING:
    from bot.care.feedback import Finding

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="A WhatsApp and SMS companion with a human behind it."
)
flows_app = typer.Typer(no_args_is_help=True, help="Check and publish conversation flows.")
lines_app = typer.Typer(no_args_is_help=True, help="Help lines: import, check, list, suspend.")
keys_app = typer.Typer(no_args_is_help=True, help="Encryption keys.")
sign_off_app = typer.Typer(no_args_is_help=True, help="Who signed the lexicons and what is said at risk.")
db_app = typer.Typer(no_args_is_help=True, help="The database schema.")
app.add_typer(flows_app, name="flows")
app.add_typer(lines_app, name="lines")
app.add_typer(keys_app, name="keys")
app.add_typer(db_app, name="db")
app.add_typer(sign_off_app, name="sign-off")


def main() -> None:
    """Run one command; an error of ours becomes one sentence and exit code 1."""
    try:
        app()
    except HarbourError as error:
        print(error.sentence, file=sys.stderr)
        sys.exit(1)


def _settings(**given: Any) -> Settings:
    return settings_module.load(**given)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


_By = Annotated[str, typer.Option(help="your name, for the record")]
_Missed = Annotated[int, typer.Option(metavar="LEVEL", help="a message should have had this higher level, 1 to 4")]
_Message = Annotated[
    int | None, typer.Option(help="the number of that message, as the conversation shows it; unset: the last one")
]
_Category = Annotated[str, typer.Option(help="what the missed danger was about, R1 to R11")]

# Running


@app.command()
def run(
    demo: Annotated[
        bool | None, typer.Option(help="load demo content; by default into the embedded database only")
    ] = None,
) -> None:
    """Start everything on this machine and watch it; Ctrl-C stops it."""
    from bot.supervisor.local import run as run_all

    os.environ["HARBOUR_IGNORE_RUN_FILE"] = "1"
    raise typer.Exit(run_all(_settings(), with_demo=demo))


@app.command()
def gateway() -> None:
    """One gateway: webhooks in, health and metrics."""
    from bot.gateway.app import serve

    serve(_settings())


@app.command()
def worker() -> None:
    """One worker: turns, sends, timers. Start as many as you like."""
    from bot.gateway.parts import twilio_account
    from bot.worker.run import run as run_worker

    settings = _settings()
    run_worker(settings, twilio_account(settings))


@app.command()
def engine(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 5005,
) -> None:
    """One conversation engine, in its own environment."""
    from bot.supervisor.local import engine_child

    child = engine_child(port)
    os.execve(child.command[0], [*child.command, "--host", host], {**os.environ, **child.environment})


# Contact and counsellor, in a terminal


@app.command()
def chat(
    channel: Annotated[str, typer.Option(help="simulator, whatsapp or sms: how texts are cut")] = "simulator",
    language: Annotated[str, typer.Option(help="begin in this language, as if chosen: en es fr ar uk ru")] = "",
    record: Annotated[Path | None, typer.Option(help="write the conversation as a transcript test")] = None,
) -> None:
    """Talk to it as a contact, over the simulator channel."""
    from bot.chat import chat as run_chat

    _run(run_chat(_settings(), channel=channel, language=language, record=record))


@app.command()
def cases(
    case: Annotated[str, typer.Argument(help="the first characters of a case's id")] = "",
    answer: Annotated[str, typer.Option(help="send these words to the contact")] = "",
    take: Annotated[bool, typer.Option(help="take the case: the bot is silent")] = False,
    close: Annotated[str, typer.Option(help="close it with this reason, and let the bot speak again")] = "",
    by: Annotated[str, typer.Option(help="your name, for the record")] = os.environ.get("USER", "counsellor"),
    supervisor: Annotated[bool, typer.Option("--supervisor", help="close a case that somebody else has")] = False,
    missed: _Missed = 0,
    not_a_risk: Annotated[
        bool, typer.Option("--not-a-risk", help="a message of it was given a level for nothing")
    ] = False,
    message: _Message = None,
    category: _Category = "",
) -> None:
    """List open cases, worst first; show, take, answer and close one, or label a message of it."""
    from bot.desk import desk

    finding = _finding(missed, not_a_risk, message, category)
    _run(
        desk(
            _settings(), case=case, answer=answer, take=take, close=close, by=by, supervisor=supervisor, finding=finding
        )
    )


def _finding(missed: int, not_a_risk: bool, message: int | None, category: str) -> Finding | None:
    """What a person found about a message, if they say so. Raises ConfigurationError for a contradiction."""
    from bot.care.feedback import Finding

    if missed and not_a_risk:
        raise ConfigurationError(
            "A message was missed, or is not a risk: give --missed LEVEL or --not-a-risk, not both."
        )
    if not missed and not not_a_risk:
        if message is not None or category:
            raise ConfigurationError("--message and --category go with --missed LEVEL or --not-a-risk.")
        return None
    return Finding(missed, message, category)


# Help lines


@lines_app.command("import")
def lines_import(
    file: Annotated[Path, typer.Argument(help="a .yml or .csv file; docs/examples/lines.yml shows the form")],
    by: _By = os.environ.get("USER", "operator"),
    replace: Annotated[bool, typer.Option("--replace", help="take the file's where the list says otherwise")] = False,
) -> None:
    """Take lines into the list, unverified; all of them or, with one mistake anywhere, none."""
    from bot.line_desk import import_file

    _run(import_file(_settings(), file, by=by, replace=replace))


@lines_app.command("list")
def lines_list(country: Annotated[str, typer.Option(help="two letters; unset: all")] = "") -> None:
    """Every line: whether it may be given, for how long, and why not."""
    from bot.line_desk import print_list

    _run(print_list(_settings(), country.strip().upper()))


@lines_app.command("verify")
def lines_verify(
    line: Annotated[str, typer.Argument(help="the line's id")],
    how: Annotated[VerifyMethod, typer.Option(help="how a human checked it; web is not enough")],
    by: Annotated[str, typer.Option(help="who checked it")],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="the day; unset: today")] = None,
    settled: Annotated[bool, typer.Option("--settled", help="the check showed the list to be right")] = False,
) -> None:
    """A human called, texted or heard from the operator: the line may be given from now on."""
    from bot.line_desk import verify_line

    _run(verify_line(_settings(), line, by=by, how=how, on=on.date() if on else None, settled=settled))


@lines_app.command("suspend")
def lines_suspend(
    line: Annotated[str, typer.Argument(help="the line's id")],
    reason: Annotated[str, typer.Option(help="why nobody is to be given it")],
    by: _By = os.environ.get("USER", "operator"),
) -> None:
    """From now on nobody is given this line."""
    from bot.line_desk import suspend_line

    _run(suspend_line(_settings(), line, by=by, reason=reason))


# Trying one part, line by line


@app.command()
def screen(
    explain: Annotated[str, typer.Option(help="say how the word lists judge this one message, and stop")] = "",
    second_reader: Annotated[bool, typer.Option(help="ask the engine's second reader too, as the service does")] = True,
    replay: Annotated[
        Path | None, typer.Option(help="a folder of changed lexicons: list the past messages whose level changes")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="alerts, confirmed, false and missed per language, category and rule")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="the conversations without alarm that a supervisor is to read this time")
    ] = False,
    month: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m"], help="with --sample; unset: the last whole month")
    ] = None,
    read: Annotated[str, typer.Option(help="with --sample: show the conversation that begins so")] = "",
    missed: _Missed = 0,
    message: _Message = None,
    category: _Category = "",
    days: Annotated[int, typer.Option(help="how many days back to look, with --replay and --report")] = 30,
    by: _By = os.environ.get("USER", "operator"),
) -> None:
    """Risk screening: JSON lines {"id","text"} in, {"id","level","categories","signals"} out.

    With --replay each past message is read alone; exit code 1 if any level of 3 or 4 falls.
    """
    from bot.conversation.screening import load_screener, signals_json

    settings = _settings()
    if replay is not None:
        from bot.replay import replay as replay_messages

        raise typer.Exit(_run(replay_messages(settings, replay, days=days, by=by)))
    if report or sample:
        from bot import review

        finding = _finding(missed, False, message, category)
        work = review.report(settings, days=days) if report else review.sample(settings, month, read, by, finding)
        _run(work)
        return
    screener = load_screener(settings.lexicon_folder)
    if explain:
        print("\n".join(screener.explain(explain)))
        return
    given = list(_lines())
    texts = [one["text"] for one in given]
    for one, found in zip(given, _assessed(settings, screener, texts, second_reader), strict=True):
        categories = [category.value for category in found.categories]
        _print(
            {"id": one["id"], "level": int(found.level), "categories": categories, "signals": signals_json(found),
             "rules": list(found.rules), "ask": found.ask}
        )  # fmt: skip


@app.command("screen-eval")
def screen_eval(
    files: Annotated[list[Path], typer.Argument(help="labelled messages: YAML lists, or JSON lines")],
    misses: Annotated[bool, typer.Option(help="print the texts of what was missed, for the lexicon's author")] = False,
    second_reader: Annotated[
        bool, typer.Option(help="ask the engine's second reader too, as the service does")
    ] = False,
) -> None:
    """How well screening does on labelled messages: recall, false alarms, who was missed by id."""
    from bot.conversation.screening import load_screener, read_labelled
    from escalation.evaluation import Result, alarms, missed, tables

    settings = _settings()
    items = [item for file in files for item in read_labelled(file)]
    texts = [item.text for item in items]
    found = _assessed(settings, load_screener(settings.lexicon_folder), texts, second_reader)
    results = [Result(item, one.level) for item, one in zip(items, found, strict=True)]
    print("\n".join(tables(results)))
    for result in [*missed(results), *alarms(results)] if misses else []:
        wanted = f"{result.item.low}-{result.item.high}"
        print(f"{result.item.id} wanted {wanted} got {result.level:d}: {result.item.text}")


def _assessed(settings: Settings, screener: Screener, texts: list[str], second_reader: bool) -> list[Assessment]:
    """Each text assessed; by the word lists alone, and saying so, when the engine cannot be asked."""
    from bot.conversation.second_reader import Reading
    from bot.reading import heard

    found = [screener.assess(text) for text in texts]
    if not second_reader or not texts:
        return found
    try:
        readings = _run(heard(settings, texts))
    except HarbourError as error:
        print(f"Without the second reader: {error.sentence}", file=sys.stderr)
        return found
    return [Reading({"": reading}).raise_(one) for one, reading in zip(found, readings, strict=True)]


@app.command()
def read() -> None:
    """Understanding: JSON lines {"id","text"} in, {"id","intent","confidence","language"} out."""
    from bot.reading import read_lines

    _run(read_lines(_settings(), _lines(), _print))


@app.command()
def detect() -> None:
    """Language: JSON lines {"id","text"} in, {"id","lang","confidence"} out; lang is null when unsure."""
    from bot.conversation.language import detect as detect_language

    for given in _lines():
        found = detect_language(given["text"])
        _print({"id": given["id"], "lang": found.language, "confidence": round(found.confidence, 3)})


@app.command("detect-eval")
def detect_eval(
    files: Annotated[list[Path], typer.Argument(help="messages, files named by language: uk.txt, uk.yml, uk.test.yml")],
    words: Annotated[int, typer.Option(help="only the first so many words of each; 0 for all", min=0)] = 0,
) -> None:
    """How well languages are known: right, unsure and wrong, for each language, with time and memory."""
    from bot.conversation.evaluate_language import cut, measured, read_messages, table
    from bot.conversation.language import get_ready

    messages = [message for file in files for message in read_messages(file)]
    get_ready()
    chosen = cut(messages, words) if words else messages
    began = time.perf_counter()
    tally = measured(chosen)
    took = (time.perf_counter() - began) / max(1, len(chosen))
    print("\n".join(table(tally)))
    print(f"{took * 1e3:.2f} ms a message; {psutil.Process().memory_info().rss >> 20} MB in all")


def _lines() -> Iterator[dict[str, Any]]:
    """JSON objects from standard input. A line that is none is said on standard error, and passed over."""
    for number, line in enumerate(sys.stdin, start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
            text = given["text"]
        except (ValueError, KeyError, TypeError):
            given, text = None, None
        if not isinstance(given, dict) or not isinstance(text, str):
            print(f'line {number}: not a JSON object with a "text"; it was passed over', file=sys.stderr)
            continue
        yield {**given, "id": given.get("id", number)}


def _print(found: dict[str, Any]) -> None:
    print(json.dumps(found, ensure_ascii=False), flush=True)


# Content, keys, database


@flows_app.command("check")
def flows_check(folder: Annotated[Path | None, typer.Argument(help="where flows are")] = None) -> None:
    """Say everything that is wrong with the flows; exit code 1 if anything is."""
    from bot.channels.segments import own_sms_size
    from bot.conversation.effects import KNOWN_ACTIONS
    from bot.flow import FlowError, check, read_flows

    try:
        bundle = read_flows(folder or _settings().flows_folder)
        findings = [str(one) for one in check(bundle, KNOWN_ACTIONS, own_sms_size)]
    except FlowError as error:
        findings = [str(error)]
    for finding in findings:
        print(finding)
    if findings:
        raise typer.Exit(1)
    print(f"{len(bundle.flows)} flows in {len(bundle.service)} languages: nothing wrong")


@app.command()
def publish() -> None:
    """Check the flows and make them live; outside the demo only if what is said at risk is signed."""
    from bot import log
    from bot.conversation.sign_off import Signing, check_signed
    from bot.store.database import Database
    from bot.supervisor.local import publish_flows

    settings = _settings()
    log.setup(settings.log_level)
    check_signed(Signing.of(settings), "publish")

    async def work() -> None:
        database = Database(settings.database(), _keys(settings), connections=1)
        try:
            print(f"published {(await publish_flows(database, settings.flows_folder))[:12]}")
        finally:
            await database.close()

    _run(work())


@sign_off_app.command("list")
def sign_off_list() -> None:
    """Every lexicon, and each language's texts said at risk: draft, signed, or changed since."""
    from bot.conversation.sign_off import sign_offs

    settings = _settings()
    print(f"{'what':18} {'language':9} {'status':14} signed by")
    for one in sign_offs(settings.lexicon_folder, settings.flows_folder):
        by = f"{one.clinician} (clinician), {one.native_speaker} (native speaker), {one.on}" if one.on else "nobody"
        print(f"{one.what:18} {one.language:9} {one.status.value:14} {by}")


@sign_off_app.command("give")
def sign_off_give(
    what: Annotated[str, typer.Argument(help="what was read, as `harbour sign-off list` calls it: lexicon/es")],
    clinician: Annotated[str, typer.Option(help="the clinician who signs")] = "",
    native_speaker: Annotated[str, typer.Option(help="the native speaker who signs")] = "",
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="the day; by default today")] = None,
) -> None:
    """Write the signatures of two people into a file, for what stands in it now."""
    from bot import clock
    from bot.conversation.sign_off import give, sign_off_of

    settings = _settings()
    one = sign_off_of(what, settings.lexicon_folder, settings.flows_folder)
    day = on.date() if on else clock.now().date()
    signed = give(one, clinician=clinician, native_speaker=native_speaker, on=day)
    print(f"{signed.what} is signed by {signed.clinician} and {signed.native_speaker}, {signed.on}")


@keys_app.command("new")
def keys_new(key_id: Annotated[str, typer.Argument(help="a name for the key, for example the month")] = "1") -> None:
    """Make a fresh pair of keys; keep them where secrets are kept."""
    from bot.store.seal import Keyring

    print(f"HARBOUR_ENCRYPTION_KEYS={key_id}:{Keyring.new_key()}")
    print(f"HARBOUR_LOOKUP_KEY={Keyring.new_key()}")


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to the current schema."""
    from bot.store.migrate import upgrade

    upgrade(_settings().database())


def _keys(settings: Settings) -> Any:
    from bot.store.seal import Keyring

    return Keyring.parse(settings.encryption_keys.get_secret_value(), settings.lookup_key.get_secret_value())


if __name__ == "__main__":
    main()
