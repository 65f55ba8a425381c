"""Which of our languages a first message is written in, or that we are not sure.

Owns: detect(), get_ready().
May import: langdetect, `bot.flow.answers`.
Start reading at: `detect`.

Letters decide first, then words that only one of two close languages has, then langdetect with a
prior on our languages and a fixed seed. Ukrainian is never guessed into Russian: Cyrillic without
a sign of either stays unsure, and the person is asked.
"""

from __future__ import annotations

import dataclasses
import re

from langdetect import DetectorFactory
from langdetect.detector_factory import init_factory
from langdetect.lang_detect_exception import LangDetectException

from bot.vocabulary import Language

DetectorFactory.seed = 0
SURE = 0.8
_PRIOR = {"en": 1 / 3, "es": 1 / 3, "fr": 1 / 3}
_OUR_LATIN = frozenset(_PRIOR)
_ARABIC = re.compile(r"[\u0600-\u06ff\u0750-\u077f]")
_NOT_ARABIC = re.compile(r"[پچژگڤټډړښځڅېۍڕڵێۆەھ]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_UKRAINIAN = re.compile(r"[іїєґІЇЄҐ]")
_RUSSIAN = re.compile(r"[ыэъёЫЭЪЁ]")
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")
_ARABIZI = re.compile(r"\b(?=\w*[a-z])(?=\w*[a-z][23579]|[23579][a-z])[a-z23579']{3,}\b")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_RUSSIAN_WORDS = frozenset(
    "привет здравствуйте здравствуй да нет нужна нужно нужен помощь помогите хочу говорить поговорить спасибо "
    "пожалуйста что как где когда почему меня мне тебя вас сейчас только очень человек человеком плохо страшно "
    "группа группы меню стоп".split()
) - {"да", "группа", "меню", "стоп", "меня", "хочу", "очень", "как", "где"}
_UKRAINIAN_WORDS = frozenset(
    "так дякую будь ласка що як де коли чому мене мені тебе вас зараз дуже людина людиною погано страшно потрібна "
    "потрібно треба допомога допоможіть хочу говорити добрий день вечора ранку вітаю привіт немає нема".split()
) - {"так", "як", "де", "вас", "хочу", "страшно", "добрий", "день", "треба"}
_WORDS = {
    "en": "i you we the is am are and to in my me need help want please hello hi how what when where can not good "
    "morning thanks thank yes someone person talk have do of for it no menu stop dont im cant",
    "es": "yo tu usted el la los las es soy estoy esta y en mi necesito ayuda quiero por favor hola como que cuando "
    "donde puedo no buenas buenos dias tardes noches gracias si alguien persona hablar tengo de para con una un "
    "donde hay se me estan quiero grupo",
    "fr": "je tu vous le la les est suis et en mon ma besoin aide veux voudrais svp bonjour bonsoir salut comment "
    "que quand où ou peux ne pas merci oui quelqu un une personne parler ai de pour avec moi des du jai cest jsuis "
    "au aux ce il y",
}
_OWN_WORDS = {
    code: frozenset(words.split()) - frozenset(w for other, ws in _WORDS.items() if other != code for w in ws.split())
    for code, words in _WORDS.items()
}
_ARABIZI_WORDS = frozenset(
    "salam salaam marhaba mar7aba ana bdi biddi badi momken mumkin shukran inta inti shu shou wen wayn wein kifak "
    "kifik sabah sabaho ahlan keef kif habibi ya3ni yalla mafi fi musa3ada mosa3ade law sama7t".split()
)


@dataclasses.dataclass(frozen=True)
class Detected:
    """A language and how sure we are, 0 to 1. `language` is None when we had better ask."""

    language: str | None
    confidence: float
    among: tuple[str, ...] = ()


_UNSURE = Detected(None, 0.0)


def detect(text: str) -> Detected:
    """The language of `text` among ours; the same text always gives the same answer."""
    if _ARABIC.search(text):
        return _UNSURE if _NOT_ARABIC.search(text) else Detected(Language.ARABIC.value, 0.95)
    if _CYRILLIC.search(text):
        return _cyrillic(text)
    if _LATIN.search(text):
        return _latin(text)
    return _UNSURE


def _cyrillic(text: str) -> Detected:
    words = {word.casefold() for word in _WORD.findall(text)}
    ukrainian = len(_UKRAINIAN.findall(text)) + 2 * len(words & _UKRAINIAN_WORDS)
    russian = len(_RUSSIAN.findall(text)) + 2 * len(words & _RUSSIAN_WORDS)
    if ukrainian and ukrainian >= russian:
        return Detected(Language.UKRAINIAN.value, 0.9)
    if russian and not ukrainian:
        return Detected(Language.RUSSIAN.value, 0.9)
    return Detected(None, 0.5, (Language.UKRAINIAN.value, Language.RUSSIAN.value))


def _latin(text: str) -> Detected:
    folded = text.casefold()
    words = {word.replace("’", "").replace("'", "") for word in _WORD.findall(folded)}
    if _ARABIZI.search(folded) or words & _ARABIZI_WORDS:
        return Detected(Language.ARABIC.value, 0.85)
    hits = {code: len(words & own) for code, own in _OWN_WORDS.items()}
    best = max(hits, key=lambda code: hits[code])
    others = max(count for code, count in hits.items() if code != best)
    if hits[best] > others:
        return Detected(best, 0.9)
    return _by_letters(text) if len(words) > 1 else _UNSURE


def get_ready() -> None:
    """Read the profiles of languages now: it takes a second, for which no turn should wait."""
    init_factory()


def _by_letters(text: str) -> Detected:
    get_ready()
    import langdetect.detector_factory as factory

    detector = factory._factory.create()
    detector.set_prior_map(_PRIOR)
    detector.append(text)
    try:
        ranking = detector.get_probabilities()
    except LangDetectException:
        return _UNSURE
    if not ranking or ranking[0].lang not in _OUR_LATIN or ranking[0].prob < SURE:
        return Detected(None, ranking[0].prob if ranking else 0.0, tuple(_OUR_LATIN))
    return Detected(ranking[0].lang, ranking[0].prob)
