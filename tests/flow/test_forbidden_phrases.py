"""What no answer to danger may say (service specification 3.3): no promise of contact, rescue or
secrecy, no police as the default, no exercise, no calming cliché, and no method by name."""

from __future__ import annotations

import re

import pytest

from bot.flow.check import IN_DANGER
from bot.flow.render import fill
from tests.world import shipped

LANGUAGES = ["ar", "en", "es", "fr", "ru", "uk"]
FORBIDDEN = {
    "contact or rescue": {
        "en": r"will (?:contact|call|write|help|save|rescue|reach|answer|come)|on (?:its|the|their) way|help is coming"
        r"|guarantee|promise",
        "es": r"(?:te|le|la|lo) (?:llamar|contactar|escribir|ayudar|salvar|rescatar)\w*|va(?:mos|n)? a"
        r" (?:llamar|escribir|ayudar|salvar|contactar)|en camino|garantiz|promet",
        "fr": r"(?:va|vont|allons) (?:vous|te) (?:appeler|contacter|écrire|aider|sauver)|vous (?:appellera|contactera|écrira"
        r"|aidera|répondra)|en route|garanti|promet",
        "ar": r"سوف|سنتصل|سيتصل|سنساعد|سننقذ|سيكتب لك|في الطريق|نضمن|نعدك",
        "uk": r"зателефону(?:є|ють|ємо)|вряту|допоможемо|зв'яж(?:еться|емося)|напиш(?:е|уть|емо) вам|в дорозі|гаранту|обіця",
        "ru": r"позвон(?:ит|ят|им) вам|спас[её]м|поможем|свяж(?:ется|емся)|напиш(?:ет|ут|ем) вам|в пути|гарантир|обеща",
    },
    "secrecy": {
        "en": r"confidential|secret|nobody will know|stays between",
        "es": r"confidencial|secreto|nadie (?:lo )?sabrá",
        "fr": r"confidentiel|secret|personne ne saura",
        "ar": r"سري|سرية|لن يعرف أحد",
        "uk": r"конфіденційн|таємн|ніхто не дізна",
        "ru": r"конфиденциальн|тайн|никто не узна",
    },
    "police": {
        "en": r"police",
        "es": r"polic[ií]a",
        "fr": r"police|gendarme",
        "ar": r"شرطة",
        "uk": r"поліці",
        "ru": r"полици",
    },
    "exercise": {
        "en": r"breath|exercise|relax|meditat",
        "es": r"respir|ejercicio|rel[aá]j|medita",
        "fr": r"respir|exercice|relax|détend|médit",
        "ar": r"تنفس|تمرين|استرخ|تأمل",
        "uk": r"дих|вправ|розслаб|медит",
        "ru": r"дыш|дыхан|упражнен|расслаб|медит",
    },
    "cliché": {
        "en": r"everything will be|it will (?:be|get)|calm down|don't worry|stay strong|think positive",
        "es": r"todo (?:va a|estará|irá)|c[aá]lma|tranquil|no te preocupes|no se preocupe",
        "fr": r"tout (?:va|ira)|calme|ne vous inquiétez|courage",
        "ar": r"كل شيء سيكون|اهدأ|لا تقلق",
        "uk": r"все буде|заспок|не хвилю|тримай",
        "ru": r"вс[её] будет|успок|не волну|держи",
    },
    "method": {
        "en": r"pill|knife|rope|gun|hang|bridge|poison",
        "es": r"pastilla|cuchill|soga|pistola|ahorc|puente|veneno",
        "fr": r"pilule|médicament|couteau|corde|arme|pendre|pont\b|poison",
        "ar": r"حبوب|سكين|حبل|مسدس|شنق|جسر",
        "uk": r"таблет|ніж\b|ножа|мотузк|зброя|повіси|повіш|отрут",
        "ru": r"таблет|нож\b|ножа|вер[её]вк|оружи|повес|яд\b",
    },
}
LINE_TEXTS = ("no_lines", "no_more_lines", "help_lines", "next_line", "line_")
SAMPLES = {
    "contact or rescue": {"en": "Someone will contact you.", "es": "Vamos a llamar.", "fr": "On va vous appeler.",
                          "ar": "سنتصل بك", "uk": "Ми вас врятуємо", "ru": "Мы вас спасём"},
    "secrecy": {"en": "This is confidential.", "es": "Es confidencial.", "fr": "C'est confidentiel.",
                "ar": "هذا سري", "uk": "Це конфіденційно", "ru": "Это конфиденциально"},
    "police": {"en": "Call the police.", "es": "Llame a la policía.", "fr": "Appelez la police.",
               "ar": "الشرطة", "uk": "Зверніться до поліції", "ru": "Обратитесь в полицию"},
    "exercise": {"en": "Breathe slowly.", "es": "Respire lento.", "fr": "Respirez lentement.",
                 "ar": "تنفس ببطء", "uk": "Дихайте повільно", "ru": "Дышите медленно"},
    "cliché": {"en": "Everything will be fine.", "es": "Todo estará bien.", "fr": "Tout ira bien.",
               "ar": "لا تقلق", "uk": "Все буде добре", "ru": "Всё будет хорошо"},
    "method": {"en": "Put the pills away.", "es": "Las pastillas.", "fr": "Les médicaments.",
               "ar": "حبوب", "uk": "Таблетки", "ru": "Таблетки"},
}  # fmt: skip


def said_in_danger(language: str) -> dict[str, str]:
    """Every text that is said to somebody in danger, in both forms."""
    service = {f"service/{key}": text for key, text in shipped().service[language].texts.items()}
    flows = {f"{flow}/{key}": text for flow, texts in shipped().texts[language].items() for key, text in texts.items()}
    starts = (*IN_DANGER, *LINE_TEXTS)
    return {
        name: f"{text.text}\n{text.sms}"
        for name, text in (service | flows).items()
        if name.partition("/")[2].startswith(starts) or "{lines}" in text.text
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_answer_to_danger_says_what_it_must_not(language: str, what: str) -> None:
    pattern = re.compile(FORBIDDEN[what][language], re.IGNORECASE)
    found = {name: match.group() for name, text in said_in_danger(language).items() if (match := pattern.search(text))}
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_test_would_see_it(language: str, what: str) -> None:
    assert re.search(FORBIDDEN[what][language], SAMPLES[what][language], re.IGNORECASE)


def test_all_answers_to_danger_are_looked_at() -> None:
    found = said_in_danger("en")
    for key in ("crisis_on_duty", "danger_off_duty", "medical", "stay_company", "still_danger", "stop_in_crisis"):
        assert f"service/{key}" in found
    assert "welcome_consent/utter_until_then" in found and len(found) > 25


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_of_lines_stands_in_paragraphs_of_its_own(language: str) -> None:
    for name, text in said_in_danger(language).items():
        shown = fill(text.partition("\n")[0] + " {lines} end", {"lines": "\n\nA:\n- B\n\n"})
        assert "\n\nA:\n- B\n\n" in shown and "\n\n\n" not in shown and " \n" not in shown, name
