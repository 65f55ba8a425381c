"""What the documents say is there, is there; and what is there is in the documents."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices

import bot
import bot.flow.read
from bot.channels._actions import ACTIONS
from bot.conversation.effects import KNOWN_ACTIONS
from bot.conversation.sign_off import Status, sign_offs
from bot.errors import HarbourError
from bot.flow import check, read_flows
from bot.gateway import metrics as gateway_metrics
from bot.settings import Settings
from bot.store.database import Database
from bot.store.seal import Keyring
from bot.store.tables import metadata
from bot.vocabulary import DeliveryStatus, SendAction
from bot.worker import metrics as worker_metrics
from escalation import RiskCategory

ROOT = Path(__file__).resolve().parents[2]
DOCS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "flows/LICENSE.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FORBIDDEN = {
    "an issue's number": r"\bissues? #?\d|(?<![\w&])#\d+\b",
    "how the work was organised": r"\bsessions?\b",
    "instructions to a model": r"\bprompts?\b|\bAI[- ]generated\b|\bchat ?gpt\b",
    "paths of one machine": r"(?<![\w.:/-])/(?:work|root|home|tmp)/",
    "hosts of package registries": r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|npmjs\.com|deb\.debian\.org)\b",
    "phone numbers": r"\+\d[\d ()-]{7,}\d",
}


def text(name: str) -> str:
    """One document."""
    return (ROOT / name).read_text(encoding="utf-8")


def spans(written: str) -> list[str]:
    """What stands between single backticks, outside code blocks."""
    outside = re.sub(r"^\s*```.*?^\s*```", "", written, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", outside)


def resolve(dotted: str) -> Any:
    """The module, class or attribute of that name. Raises ImportError or AttributeError."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            found = getattr(found, name)
        return found
    raise ImportError(dotted)


def every_error() -> set[type[HarbourError]]:
    """HarbourError and all its kinds, wherever in the application they are."""
    for module in pkgutil.walk_packages(bot.__path__, "bot."):
        if not module.name.startswith(("bot.engine", "bot.store.migrations")):
            importlib.import_module(module.name)
    found, waiting = set(), [HarbourError]
    while waiting:
        kind = waiting.pop()
        found.add(kind)
        waiting += kind.__subclasses__()
    return {kind for kind in found if kind.__module__.startswith("bot.")}


def variables() -> set[str]:
    """Every environment variable that is a setting."""
    found = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        found.add(str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"HARBOUR_{name.upper()}")
    return found


def known_variables() -> set[str]:
    """Settings, and what else the code reads from the environment."""
    read = (ROOT / "bootstrap.py", ROOT / "bot" / "settings.py", ROOT / "Makefile", ROOT / "docker-compose.yml")
    written = " ".join(path.read_text(encoding="utf-8") for path in read)
    return variables() | set(re.findall(r"\b(?:HARBOUR_[A-Z0-9_]+|[A-Z]+_URL)\b", written))


def rows(name: str) -> list[list[str]]:
    """The cells of every table row of a document, heads and lines left out."""
    lines = [line for line in text(name).splitlines() if line.startswith("| ")]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in found if not set("".join(row)) <= set("-: ")]


# Glossary


@pytest.mark.parametrize("row", [row for row in rows("docs/glossary.md") if row[0] != "word"], ids=lambda row: row[0])
def test_every_word_of_the_glossary_is_in_the_code(row: list[str]) -> None:
    where = spans(row[2])
    assert where, f"{row[0]} names no place"
    for dotted in where:
        resolve(dotted)


# Settings and errors


def test_every_setting_is_explained() -> None:
    explained = {span for row in rows("docs/settings.md") for span in spans(row[0])}
    assert not variables() - explained, "docs/settings.md lacks these"
    assert not explained - known_variables() - {"variable"}, "docs/settings.md explains what is not there"


def test_every_default_is_the_one_that_is_explained() -> None:
    explained = {spans(row[0])[0]: row[1].strip("`") for row in rows("docs/settings.md") if spans(row[0])}
    for name, field in Settings.model_fields.items():
        variable = next((v for v in (f"HARBOUR_{name.upper()}", name.upper()) if v in explained), "")
        default = field.default.get_secret_value() if hasattr(field.default, "get_secret_value") else field.default
        written = explained[variable]
        told = "" if written == "unset" else written
        assert str(default).lower() == told.lower() or _number(default) == _number(told), variable


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


@pytest.mark.parametrize("document", ["README.md", ".env.example", "docker-compose.yml", "docs/settings.md"])
def test_no_document_names_a_variable_that_nothing_reads(document: str) -> None:
    named = set(re.findall(r"\b(?:HARBOUR_[A-Z0-9_]+|[A-Z]+_URL)\b", text(document)))
    others = {name for name in named if name.endswith("_")}
    assert not named - known_variables() - others


@pytest.mark.parametrize("kind", sorted(every_error(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_error_is_explained_with_its_code_and_status(kind: type[HarbourError]) -> None:
    explained = [(spans(row[0]), row[1], spans(row[2])) for row in rows("docs/errors.md")]
    assert ([kind.code], str(kind.status), [kind.__name__]) in explained


# Dependencies


def _names(given: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_-]", one, maxsplit=1)[0].lower() for one in given}


def test_every_direct_dependency_is_accounted_for() -> None:
    ours = tomllib.loads(text("pyproject.toml"))
    engine = tomllib.loads(text("bot/engine/pyproject.toml"))
    wanted = _names(ours["project"]["dependencies"]) | _names(engine["project"]["dependencies"])
    for group in ours.get("dependency-groups", {}).values():
        wanted |= _names(group)
    found = {row[0]: row for row in rows("docs/dependencies.md") if row[0] != "package"}
    assert wanted == set(found)
    assert all(row[1] and row[2] for row in found.values())


# README


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), flags=re.MULTILINE))
    for path in DOCS:
        named = set(re.findall(r"\bmake ([a-z]+)\b(?=[`\s]*(?:$|[#;,.:)`]))", _code_in(path), flags=re.MULTILINE))
        assert not named - targets, path


def _code_in(path: Path) -> str:
    written = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^\s*```.*?^\s*```", written, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *spans(written)])


def followed() -> list[str]:
    """The numbered lines of "Follow one message"."""
    part = text("README.md").partition("## Follow one message")[2].partition("\n## ")[0]
    return re.findall(r"^\d+\. (.+)$", part, flags=re.MULTILINE)


@pytest.mark.parametrize("line", followed(), ids=lambda line: line.split("`")[1])
def test_following_one_message_leads_to_functions_that_exist(line: str) -> None:
    path, *names = spans(line)
    code = text(path)
    for name in names:
        if name.endswith("()"):
            assert re.search(rf"\bdef {name[:-2]}\(", code), f"{path} has no {name}"


def test_following_one_message_opens_each_file_once() -> None:
    files = [spans(line)[0] for line in followed()]
    assert len(files) == len(set(files)) > 12


def test_readme_names_every_folder_at_the_top() -> None:
    there = {path.name for path in (ROOT / "bot").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    part = text("README.md").partition("## Map")[2].partition("\n## ")[0]
    assert not {name for name in there if f"{name}/" not in part}


# Flows


def test_the_flow_language_is_explained_in_full() -> None:
    written = text("docs/flows.md")
    known = bot.flow.read._STEP_KEYS | bot.flow.read._FLOW_KEYS | KNOWN_ACTIONS
    said = set(re.findall(r"[a-z_]+", " ".join(spans(written))))
    assert not known - said
    rules = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)", f', inspect.getsource(sys.modules["bot.flow.check"])))
    assert rules
    assert not rules - set(spans(written))


def test_the_example_flow_is_one_that_would_be_published(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n# (flows/\S+)\n(.*?)```", text("docs/flows.md"), flags=re.DOTALL)
    assert len(blocks) == 2
    shipped = read_flows(ROOT / "flows")
    for name in ("ask_menu", "service", *shipped.flows):
        _copy(ROOT / "flows" / name, tmp_path / "flows" / name, only=("flow", "en"))
    for name, body in blocks:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body, encoding="utf-8")
    bundle = read_flows(tmp_path / "flows")
    assert "tea" in bundle.flows
    assert not check(bundle, KNOWN_ACTIONS)


def _copy(source: Path, target: Path, *, only: tuple[str, ...]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.yml"):
        if path.stem in only:
            (target / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")


# Safety, privacy, operations


def test_every_category_of_risk_is_explained() -> None:
    explained = {row[0] for row in rows("docs/safety.md")}
    assert {category.value for category in RiskCategory} <= explained


def test_every_language_that_is_spoken_is_screened_too() -> None:
    spoken = {path.stem for path in (ROOT / "flows" / "service").glob("??.yml")}
    screened = {path.stem for path in (ROOT / "escalation" / "lexicon").glob("??.yml")}
    assert not spoken - screened, "danger in these languages would be missed; see docs/safety.md"


def test_every_sealed_column_is_listed_as_sealed() -> None:
    listed = {span: row[2] for row in rows("docs/privacy.md") for span in spans(row[1])}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name.startswith("sealed"):
                assert listed.get(f"{table.name}.{column.name}") == "yes", f"{table.name}.{column.name}"
    assert not {name for name, sealed in listed.items() if sealed == "yes"} - {
        f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns
    }


def test_every_outcome_of_a_send_has_its_line_in_the_runbook() -> None:
    table = {spans(row[0])[0]: row[1] for row in rows("docs/runbooks/sending.md") if spans(row[0])}
    assert {action.value for action in SendAction} == set(table)
    for action in SendAction:
        written = _codes(table[action.value])
        assert written == {code for code, means in ACTIONS.items() if means is action}, action
    assert {status.value for status in DeliveryStatus} <= set(spans(text("docs/runbooks/sending.md")))


def _codes(cell: str) -> set[int]:
    ranges = re.findall(r"(\d{5}) to (\d{5})", cell)
    found = {int(code) for code in re.findall(r"\b\d{5}\b", cell)}
    return found | {code for low, high in ranges for code in range(int(low), int(high) + 1)}


def statements() -> list[str]:
    """Every SQL statement of the documents, with something real where they leave a gap."""
    found = []
    for path in DOCS:
        blocks = re.findall(r"```sql\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for block in blocks:
            filled = block.replace("'…'", f"'{uuid.UUID(int=1)}'").replace("…", "1")
            without_remarks = re.sub(r"--.*", "", filled)
            found += [" ".join(one.split()) for one in without_remarks.split(";") if one.strip()]
    return found


async def test_every_sql_statement_of_the_documents_runs(database: Database) -> None:
    assert len(statements()) > 10
    for statement in statements():
        async with database.transaction() as session:
            await session.connection.execute(statement)


def test_every_metric_is_explained() -> None:
    source = inspect.getsource(gateway_metrics) + inspect.getsource(worker_metrics)
    named = set(re.findall(r'"(harbour_[a-z_]+)"', source))
    explained = {span.partition("{")[0] for span in spans(text("docs/operations.md"))}
    assert named
    assert not named - explained


def test_every_fact_that_texts_may_use_is_explained() -> None:
    named = {"intent", "language"}
    for path in sorted((ROOT / "bot" / "conversation").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name in {"_facts", "values"}:
                named |= _keys_of_dictionaries(node)
    explained = {span.removeprefix("facts.") for span in spans(text("docs/flows.md")) if span.startswith("facts.")}
    assert named == explained


def _keys_of_dictionaries(node: ast.AST) -> set[str]:
    keys = [key for one in ast.walk(node) if isinstance(one, ast.Dict) for key in one.keys]
    return {key.value for key in keys if isinstance(key, ast.Constant)}


# All documents


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_and_every_named_file_leads_somewhere(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", written)]
    gone = [link for link in links if link and "://" not in link and not (path.parent / link).exists()]
    named = [
        span for span in spans(written) if re.fullmatch(r"(?:bot|escalation|flows|docs|tests|nlu_data)/[\w/.@-]*", span)
    ]
    gone += [span for span in named if not (ROOT / span).exists()]
    assert not gone


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
@pytest.mark.parametrize("what", FORBIDDEN)
def test_documents_speak_of_the_project_alone(path: Path, what: str) -> None:
    found = re.findall(FORBIDDEN[what], path.read_text(encoding="utf-8"), flags=re.IGNORECASE)
    assert not found


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_headings_that_are_linked_to_exist(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]*#[^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        there = (path.parent / target if target else path).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", there, flags=re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_whole_licence_is_there() -> None:
    licence = text("LICENSE")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "The Harbour contributors" in licence
    assert tomllib.loads(text("pyproject.toml"))["project"]["license"] == "Apache-2.0"


def test_no_text_claims_a_signature_it_does_not_have() -> None:
    for path in sorted((ROOT / "flows").glob("*/??.yml")):
        signed = yaml.safe_load(path.read_text(encoding="utf-8"))["sign_off"]
        both = signed["clinician"] and signed["native_speaker"] and signed["date"]
        assert signed["status"] == "draft" or both, path


def test_no_shipped_lexicon_and_nothing_said_at_risk_claims_a_signature_it_does_not_have() -> None:
    found = sign_offs(ROOT / "escalation" / "lexicon", ROOT / "flows")
    assert {one.what.partition("/")[0] for one in found} == {"lexicon", "texts"}
    for one in found:
        assert "sign_off:" in one.path.read_text(encoding="utf-8"), one.what
        assert one.status is Status.SIGNED or not (one.clinician or one.native_speaker or one.on), one.what


def test_the_keys_that_the_documents_speak_of_can_be_made() -> None:
    key = Keyring.new_key()
    assert Keyring.parse(f"2027-05:{Keyring.new_key()},2026-11:{key}", key)
