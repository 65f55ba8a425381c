"""What an author of phrases lives through when the model is trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.engine.lean import leave_out_tensorflow
from bot.engine.phrases import DataError, Phrase, read_phrases, write_rasa
from bot.engine.train import fingerprint

from .engine_process import MODELS, ROOT, EngineProcess, run

INTENTS = frozenset({"greet", "deny"})
GOOD = 'version: "3.1"\nnlu:\n- intent: {intent}\n  examples: |\n    - hello\n    - {more}\n'


def folder_with(tmp_path: Path, greet: str) -> Path:
    for intent, written in (("greet", greet), ("deny", GOOD.format(intent="deny", more="no way"))):
        file = tmp_path / "en" / f"{intent}.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(written, encoding="utf-8")
    return tmp_path


def test_phrases_are_read_with_their_language(tmp_path: Path) -> None:
    phrases = read_phrases(folder_with(tmp_path, GOOD.format(intent="greet", more="yes: 5 # not a comment")), INTENTS)
    assert Phrase("yes: 5 # not a comment", "greet", "en") in phrases
    assert len(phrases) == 4


@pytest.mark.parametrize(
    ("greet", "where", "words"),
    [
        ("nlu: [", "greet.yml:", "not YAML"),
        (GOOD.format(intent="greet", more="x") + "    oops\n", "greet.yml:7", 'begins with "- "'),
        (GOOD.format(intent="greet", more="call [Ana](name)"), "greet.yml:6", "entity marks"),
        (GOOD.format(intent="greet", more="/restart"), "greet.yml:6", "command"),
        (GOOD.format(intent="deny", more="x"), "greet.yml:1", "its intent is deny"),
        ("nlu:\n- intent: greet\n  examples:\n    - hello\n", "greet.yml:1", "followed by `|`"),
        ("nlu: 5\n", "greet.yml:1", "one `nlu:` entry"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, greet: str, where: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as error:
        read_phrases(folder_with(tmp_path, greet), INTENTS)
    assert where in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_an_unknown_or_missing_intent_is_named(tmp_path: Path) -> None:
    data = folder_with(tmp_path, GOOD.format(intent="greet", more="x"))
    with pytest.raises(DataError, match=r"no intent of domain\.yml"):
        read_phrases(data, frozenset({"greet"}))
    with pytest.raises(DataError, match="no phrases for thank"):
        read_phrases(data, INTENTS | {"thank"})
    with pytest.raises(DataError, match="write some"):
        read_phrases(tmp_path / "nowhere", INTENTS)


def test_the_same_phrase_in_two_languages_is_taught_once(tmp_path: Path) -> None:
    phrases = [Phrase("menu", "ask_menu", "en"), Phrase("menu", "ask_menu", "fr")]
    assert write_rasa(phrases, tmp_path / "nlu.yml").read_text().count("- menu") == 1


def test_the_command_says_what_is_wrong_and_ends(tmp_path: Path) -> None:
    done = run("bot.engine.train", "--data", str(tmp_path), "--out", str(tmp_path / "models"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "write some" in done.stderr


def test_nothing_is_trained_again_without_need(engine_process: EngineProcess) -> None:
    before = sorted(MODELS.glob("*.tar.gz"))
    done = run("bot.engine.train")
    assert "up to date" in done.stdout
    assert sorted(MODELS.glob("*.tar.gz")) == before


def test_a_changed_phrase_asks_for_another_model(tmp_path: Path) -> None:
    data = tmp_path / "nlu_data"
    shutil.copytree(ROOT / "nlu_data", data)
    before = fingerprint(data)
    with (data / "en" / "greet.yml").open("a") as file:
        file.write("    - good day to you\n")
    assert fingerprint(data) != before


def test_a_taken_port_or_a_missing_model_is_said_in_a_sentence(engine_process: EngineProcess, tmp_path: Path) -> None:
    taken = run("bot.engine.serve", "--port", str(engine_process.port))
    assert (taken.returncode, "Cannot listen" in taken.stderr) == (2, True)
    empty = run("bot.engine.serve", "--model", str(tmp_path))
    assert (empty.returncode, "bot.engine.train" in empty.stderr) == (2, True)


def test_every_intent_of_the_domain_has_phrases_in_every_language() -> None:
    domain = {
        line.strip("- \n") for line in (ROOT / "bot/engine/domain.yml").read_text().splitlines() if "  - " in line[:4]
    }
    for language in (ROOT / "nlu_data").iterdir():
        written = {file.stem for file in language.glob("*.yml")}
        assert written == {intent for intent in domain if not intent.startswith("text")}, language


def test_a_pipeline_that_needs_tensorflow_gets_it(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("pipeline:\n- name: DIETClassifier\npolicies:\n- name: bot.engine.components.policy.FlowPolicy\n")
    assert leave_out_tensorflow(config) is False
