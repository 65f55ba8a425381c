"""What screens and answers people in danger is signed by two people, for exactly what stands there."""

from __future__ import annotations

import ast
import inspect
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import log
from bot.care import handover, lines
from bot.cli import app
from bot.conversation import answering
from bot.conversation.checks import SAID_AT_RISK
from bot.conversation.sign_off import (
    NotSigned,
    Signing,
    SignOff,
    Status,
    check_signed,
    give,
    languages_of,
    sign_off_of,
    sign_offs,
    unsigned,
)
from bot.errors import ConfigurationError, ContentError
from bot.settings import Settings
from bot.supervisor import local
from tests.world import ROOT, shipped

DAY = date(2026, 3, 2)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Copies of the shipped lexicons and flows."""
    lexicons, flows = tmp_path / "lexicon", tmp_path / "flows"
    shutil.copytree(ROOT / "escalation" / "lexicon", lexicons)
    shutil.copytree(ROOT / "flows" / "service", flows / "service")
    return lexicons, flows


def signed(folders: tuple[Path, Path], what: str) -> SignOff:
    return give(sign_off_of(what, *folders), clinician="Dr. A: “B”", native_speaker="Олена", on=DAY)


def sign_all(folders: tuple[Path, Path], language: str) -> None:
    for one in sign_offs(*folders):
        if one.serves(language):
            signed(folders, one.what)


def edit(path: Path, old: str, new: str) -> None:
    before = path.read_text(encoding="utf-8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("what", ["lexicon/es", "lexicon/uk-ru", "lexicon/emoji", "texts/ar"])
def test_a_signature_is_kept_in_the_file_with_both_names_and_the_day(folders: tuple[Path, Path], what: str) -> None:
    assert sign_off_of(what, *folders).status is Status.DRAFT
    signed(folders, what)
    found = sign_off_of(what, *folders)
    assert found.status is Status.SIGNED
    assert (found.clinician, found.native_speaker, found.on) == ("Dr. A: “B”", "Олена", "2026-03-02")


def test_signing_changes_nothing_but_the_block(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "es.yml"
    before = path.read_text(encoding="utf-8").splitlines()
    signed(folders, "lexicon/es")
    after = path.read_text(encoding="utf-8").splitlines()
    changed = [old for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1 and changed[0].startswith("sign_off:")


def test_a_block_of_several_lines_is_replaced_whole(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "es.yml"
    line = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("sign_off:"))
    edit(path, line, "sign_off:\n  status: draft\n\n  clinician: null\n  date: null")
    assert signed(folders, "lexicon/es").status is Status.SIGNED
    edit(path, "sign_off: {", "was: {")
    assert "clinician: null" not in path.read_text(encoding="utf-8")


def test_one_more_phrase_makes_a_signed_lexicon_a_draft_again(folders: tuple[Path, Path]) -> None:
    signed(folders, "lexicon/es")
    path = folders[0] / "es.yml"
    edit(path, "quiero, quisiera,", "quiero, quisiera, anhelaría,")
    assert sign_off_of("lexicon/es", *folders).status is Status.CHANGED
    edit(path, "quiero, quisiera, anhelaría,", "quiero, quisiera,")
    assert sign_off_of("lexicon/es", *folders).status is Status.SIGNED


def test_a_remark_in_a_signed_lexicon_may_change(folders: tuple[Path, Path]) -> None:
    signed(folders, "lexicon/es")
    edit(folders[0] / "es.yml", "# Spanish", "# The Spanish of")
    assert sign_off_of("lexicon/es", *folders).status is Status.SIGNED


def test_an_edited_crisis_text_is_a_draft_again_and_another_text_is_not(folders: tuple[Path, Path]) -> None:
    signed(folders, "texts/es")
    path = folders[1] / "service" / "es.yml"
    edit(path, "again: No entendí.", "again: No lo entendí.")
    assert sign_off_of("texts/es", *folders).status is Status.SIGNED
    edit(path, "Quédese con esa persona,", "Váyase de ahí,")
    assert sign_off_of("texts/es", *folders).status is Status.CHANGED


@pytest.mark.parametrize(("clinician", "speaker"), [("", "B"), ("A", ""), ("A", "  "), ("", "")])
def test_one_name_is_not_enough(folders: tuple[Path, Path], clinician: str, speaker: str) -> None:
    with pytest.raises(ContentError, match="Two people sign"):
        give(sign_off_of("lexicon/es", *folders), clinician=clinician, native_speaker=speaker, on=DAY)
    assert sign_off_of("lexicon/es", *folders).status is Status.DRAFT


def test_names_without_the_hash_of_what_was_read_are_no_signature(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "es.yml"
    line = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("sign_off:"))
    edit(path, line, "sign_off: {status: signed, clinician: A, native_speaker: B, date: 2026-03-02}")
    assert sign_off_of("lexicon/es", *folders).status is Status.DRAFT


def test_nothing_is_signed_ahead_of_its_day_or_while_it_cannot_be_used(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ContentError, match="has not come yet"):
        give(sign_off_of("lexicon/es", *folders), clinician="A", native_speaker="B", on=date(2999, 1, 1))
    edit(folders[0] / "es.yml", "\nentries:", "\nunheard_of: x\nentries:")
    with pytest.raises(ContentError, match="unheard_of"):
        signed(folders, "lexicon/es")
    edit(folders[1] / "service" / "es.yml", "  still_danger:", "  still_dangr:")
    with pytest.raises(ContentError, match="still_danger"):
        signed(folders, "texts/es")


def test_what_a_language_needs_is_its_lexicons_and_its_texts(folders: tuple[Path, Path]) -> None:
    signing = Signing(*folders, languages=("uk",))
    assert set(unsigned(signing)) == {"lexicon/uk", "lexicon/uk-ru", "lexicon/emoji", "texts/uk"}
    sign_all(folders, "uk")
    assert unsigned(signing) == []
    assert set(unsigned(Signing(*folders, languages=("uk", "ru")))) == {"lexicon/ru", "texts/ru"}
    assert {"lexicon/xx", "texts/xx"} <= set(unsigned(Signing(*folders, languages=("xx",))))


def test_nothing_starts_on_drafts_and_the_sentence_says_why(folders: tuple[Path, Path]) -> None:
    with pytest.raises(NotSigned, match=r"lexicon/es.*texts/es.*harbour sign-off give"):
        check_signed(Signing(*folders, languages=("es",)), "worker")
    sign_all(folders, "es")
    assert check_signed(Signing(*folders, languages=("es",)), "worker") == []


def test_a_director_may_accept_it_by_name_and_each_start_says_so(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotSigned):
        check_signed(Signing(*folders, languages=("es",), accepted_by="  "), "worker")
    lacking = check_signed(Signing(*folders, languages=("es",), accepted_by="D. Director"), "worker")
    assert "lexicon/es" in lacking
    assert check_signed(Signing(*folders, languages=("es",), demo=True), "worker") == lacking
    said = capsys.readouterr().out
    assert "D. Director" in said and "the demo" in said and "lexicon/es" in said


def test_a_worker_a_gateway_and_a_publication_refuse_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARBOUR_IGNORE_RUN_FILE", "1")
    monkeypatch.setattr(log, "setup", lambda level: None)  # it would keep the runner's closed output
    for command in ("worker", "gateway", "publish"):
        result = CliRunner().invoke(app, [command])
        assert isinstance(result.exception, NotSigned), command


def test_one_machine_refuses_drafts_unless_it_is_the_demo(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    with pytest.raises(NotSigned):
        local._say_what_is_unsigned(settings, False)
    local._say_what_is_unsigned(settings, True)
    assert "for trying only" in capsys.readouterr().out


def test_the_languages_of_a_deployment_are_named() -> None:
    assert languages_of(" es, UK,es ") == ("es", "uk")
    with pytest.raises(ConfigurationError, match="HARBOUR_LANGUAGES"):
        languages_of(" , ")


_CALM = {"started", "stopped", "exited", "person", "reply", "menu", "language"}


def test_every_text_that_code_may_say_to_somebody_in_danger_needs_a_signature() -> None:
    texts = set(shipped().service["en"].texts)
    assert texts >= SAID_AT_RISK
    for module in (answering, handover, lines):
        tree = ast.parse(inspect.getsource(module))
        named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in texts}
        assert not named - SAID_AT_RISK - _CALM, module.__name__
    assert {key for key in texts if key.startswith(("crisis", "danger", "stay", "line_"))} <= SAID_AT_RISK


def test_the_command_signs_and_lists(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARBOUR_LEXICON_FOLDER", str(folders[0]))
    monkeypatch.setenv("HARBOUR_FLOWS_FOLDER", str(folders[1]))
    refused = CliRunner().invoke(app, ["sign-off", "give", "lexicon/es", "--clinician", "Ana"])
    assert isinstance(refused.exception, ContentError)
    given = ["sign-off", "give", "lexicon/es", "--clinician", "Ana", "--native-speaker", "Eva", "--on", "2026-03-02"]
    assert CliRunner().invoke(app, given).exit_code == 0
    edit(folders[0] / "es.yml", "quiero, quisiera,", "quiero,")
    listed = CliRunner().invoke(app, ["sign-off", "list"]).output
    line = next(line for line in listed.splitlines() if line.startswith("lexicon/es"))
    assert "changed since" in line and "Ana (clinician), Eva (native speaker), 2026-03-02" in line
    assert listed.count("draft") == len(sign_offs(*folders)) - 1
