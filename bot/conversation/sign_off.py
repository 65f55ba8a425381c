"""Who signed which lexicon and which texts said at risk, and whether that is still what stands there.

Owns: SignOff, Status, Signing, sign_offs(), sign_off_of(), give(), unsigned(), check_signed().
May import: PyYAML; flow, settings' values, the package escalation.
Start reading at: `check_signed`.

The signature stands in the file it is for, in its block `sign_off`, with the hash of what was
signed: all of a lexicon, and of a language's texts those that `checks.SAID_AT_RISK` names. After
an edit the hash is another one, and the file is a draft again. A comment may be changed freely.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import Enum
from pathlib import Path

import yaml

from bot import clock
from bot.conversation.checks import SAID_AT_RISK
from bot.conversation.screening import document
from bot.errors import ConfigurationError, ContentError, HarbourError
from bot.flow import FlowError
from bot.flow.read import SERVICE, read_yaml
from bot.log import log
from bot.settings import Settings
from escalation import LexiconError
from escalation.lexicon import read as read_lexicon

LEXICON, TEXTS = "lexicon", "texts"
_EVERY = "emoji"
_BLOCK = re.compile(r"^sign_off:.*\n?(?:(?:[ \t]*\n)*[ \t]+\S.*\n?)*", flags=re.MULTILINE)
_LANGUAGE = re.compile(r"^language:.*\n", flags=re.MULTILINE)


class Status(str, Enum):
    """Whether what stands in a file now is signed."""

    DRAFT = "draft"
    SIGNED = "signed"
    CHANGED = "changed since"


class NotSigned(HarbourError):
    """Content that was not signed by a clinician and a native speaker would screen or answer people."""

    code = "not_signed"


@dataclasses.dataclass(frozen=True)
class SignOff:
    """What is known of one file. `what` is "lexicon/es" or "texts/es"; `language` may name two ("uk-ru")."""

    what: str
    language: str
    path: Path
    status: Status
    clinician: str = ""
    native_speaker: str = ""
    on: str = ""
    hash: str = ""

    def serves(self, language: str) -> bool:
        """Whether people who write in `language` depend on it."""
        return self.language == _EVERY or language in self.language.split("-")


@dataclasses.dataclass(frozen=True)
class Signing:
    """Where the content is, for which languages it must be signed, and who accepts that it is not.

    A `demo` runs on drafts.
    """

    lexicons: Path
    flows: Path
    languages: tuple[str, ...]
    accepted_by: str = ""
    demo: bool = False

    @property
    def accepts_drafts(self) -> bool:
        """Whether it may go on with what nobody has signed."""
        return self.demo or bool(self.accepted_by.strip())

    @staticmethod
    def of(settings: Settings, *, demo: bool = False) -> Signing:
        """As these settings say. Raises ConfigurationError."""
        return Signing(
            settings.lexicon_folder,
            settings.flows_folder,
            languages_of(settings.languages),
            settings.unsigned_accepted_by,
            demo or settings.demo,
        )


def sign_offs(lexicons: Path, flows: Path) -> list[SignOff]:
    """Every lexicon and every language's texts. Raises ContentError naming a file that cannot be read."""
    found = [_sign_off(LEXICON, path) for path in sorted(lexicons.glob("*.yml"))]
    return found + [_sign_off(TEXTS, path) for path in sorted((flows / SERVICE).glob("??.yml"))]


def sign_off_of(what: str, lexicons: Path, flows: Path) -> SignOff:
    """The one that is called `what`. Raises ContentError saying which there are."""
    known = {one.what: one for one in sign_offs(lexicons, flows)}
    if what not in known:
        raise ContentError(f"There is nothing called {what!r} to sign; there is: {', '.join(known)}.")
    return known[what]


def give(one: SignOff, *, clinician: str, native_speaker: str, on: date) -> SignOff:
    """Write the signature into the file, for what stands there now; the sign-off as it is then.

    Raises ContentError without both names, or when the file cannot be used.
    """
    if not clinician.strip() or not native_speaker.strip():
        raise ContentError("Two people sign: name a clinician (--clinician) and a native speaker (--native-speaker).")
    if on > clock.now().date():
        raise ContentError(f"{on.isoformat()} has not come yet; a signature bears the day on which it was given.")
    _check_usable(one)
    written = {
        "status": "signed",
        "clinician": clinician.strip(),
        "native_speaker": native_speaker.strip(),
        "date": on.isoformat(),
        "signed_hash": one.hash,
    }
    before = one.path.read_text(encoding="utf-8")
    _replace(one.path, _with_block(before, written))
    signed = _sign_off(one.what.partition("/")[0], one.path)
    if signed.status is not Status.SIGNED:
        _replace(one.path, before)
        raise ContentError(f"{one.path} could not be signed: write its `sign_off` block in one line, and try again.")
    return signed


def unsigned(signing: Signing) -> list[str]:
    """What the languages of this deployment lack, by name; the same for a file that is not there.

    Raises ContentError naming a file that cannot be read.
    """
    found = sign_offs(signing.lexicons, signing.flows)
    there = {one.what for one in found}
    lacking = [
        f"{kind}/{language}"
        for language in signing.languages
        for kind in (LEXICON, TEXTS)
        if f"{kind}/{language}" not in there
    ]
    wanted = [one for one in found if any(one.serves(language) for language in signing.languages)]
    return [*lacking, *(one.what for one in wanted if one.status is not Status.SIGNED)]


def check_signed(signing: Signing, process: str) -> list[str]:
    """What is not signed, having said so in the log of `process`.

    Raises NotSigned outside the demo, unless somebody accepts it.
    """
    lacking = unsigned(signing)
    if not lacking:
        return []
    if not signing.accepts_drafts:
        raise NotSigned(refusal(lacking))
    accepted_by = signing.accepted_by.strip() or "the demo"
    log(process).warning("not signed", count=len(lacking), what=lacking, accepted_by=accepted_by)
    return lacking


def refusal(lacking: Sequence[str]) -> str:
    """Why nothing starts, and what to do."""
    return (
        f"Not signed by a clinician and a native speaker, or changed since: {', '.join(lacking)}."
        " Have them read these files and run `harbour sign-off give`, take languages out of HARBOUR_LANGUAGES,"
        " or name in HARBOUR_UNSIGNED_ACCEPTED_BY the director who accepts it."
    )


def languages_of(listed: str) -> tuple[str, ...]:
    """The languages of a comma-separated setting. Raises ConfigurationError when there is none."""
    found = tuple(dict.fromkeys(code.strip().lower() for code in listed.split(",") if code.strip()))
    if not found:
        raise ConfigurationError("HARBOUR_LANGUAGES names no language; write them separated by commas, such as en,es.")
    return found


def _sign_off(kind: str, path: Path) -> SignOff:
    content = _content(kind, path)
    block = content.pop("sign_off", None)
    language = str(content.get("language", path.stem))
    of = content if kind == LEXICON else _said_at_risk(content)
    return _judged(f"{kind}/{path.stem}", language, path, block, _hash(of))


def _judged(what: str, language: str, path: Path, block: object, found: str) -> SignOff:
    given = block if isinstance(block, Mapping) else {}
    clinician, speaker, on, signed = (_word(given.get(key)) for key in _BY)
    complete = given.get("status") == "signed" and clinician and speaker and on and signed
    status = Status.DRAFT if not complete else Status.SIGNED if signed == found else Status.CHANGED
    return SignOff(what, language, path, status, clinician, speaker, on, found)


_BY = ("clinician", "native_speaker", "date", "signed_hash")


def _word(given: object) -> str:
    return "" if given is None else str(given).strip()


def _content(kind: str, path: Path) -> dict[str, object]:
    try:
        return dict(document(path) if kind == LEXICON else read_yaml(path))
    except (LexiconError, FlowError, OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ContentError(f"{path} cannot be read: {error}") from error


def _said_at_risk(content: Mapping[str, object]) -> dict[str, object]:
    texts = content.get("texts")
    return {key: texts[key] for key in SAID_AT_RISK if key in texts} if isinstance(texts, Mapping) else {}


def _hash(content: object) -> str:
    """Hexadecimal SHA-256 of content; the order of its keys and the way it is written do not count."""
    written = json.dumps(_plain(content), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Collection) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _check_usable(one: SignOff) -> None:
    if one.what.startswith(LEXICON):
        try:
            read_lexicon(document(one.path))
        except LexiconError as error:
            raise ContentError(f"{one.path} cannot be signed, for it cannot be used: {error}") from error
    else:
        there = _content(TEXTS, one.path).get("texts")
        missing = sorted(SAID_AT_RISK - set(there)) if isinstance(there, Mapping) else ["texts"]
        if missing:
            raise ContentError(f"{one.path} cannot be signed: it lacks {', '.join(missing)}.")


def _with_block(text: str, written: Mapping[str, str]) -> str:
    values = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in written.items())
    line = f"sign_off: {{{values}}}\n"
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda _: line, text, count=1)
    return _LANGUAGE.sub(lambda found: found[0] + line, text, count=1)


def _replace(path: Path, text: str) -> None:
    """The file has the new content or the old one, at every moment."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(path.stat().st_mode & 0o777)
    beside.replace(path)
