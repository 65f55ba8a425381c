"""One message typed in another way: what must not change how serious it is.

Every function takes a text and a source of chance, and gives the text as somebody else might have
typed it. None of them changes what is said.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable

Chance = random.Random
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = {"arabic": "٠١٢٣٤٥٦٧٨٩", "persian": "۰۱۲۳۴۵۶۷۸۹", "devanagari": "०१२३४५६७८९"}
_EMOJI = ("😭", "🖤", "🙏", "💔", "😔", "❤️", "🥺", "🌸")
_ACCENTED_LETTERS = "йёїґієћ"
LONG_ENOUGH = 5
"""Letters of a word in which one typing error must be forgiven (service specification 7.3 step 11)."""


def upper(text: str, chance: Chance) -> str:
    """All in capitals."""
    return text.upper()


def random_case(text: str, chance: Chance) -> str:
    """Capitals anywhere."""
    return "".join(
        chance.choice((letter.upper(), letter.lower())) if len(letter.upper()) == 1 else letter for letter in text
    )


def spacing(text: str, chance: Chance) -> str:
    """More spaces, and tabs, between the words and around them; line ends stay what they are."""
    return "  " + re.sub(r"(?<=\S)[ \t]+(?=\S)", lambda _: chance.choice(("  ", "   ", "\t", "\u00a0")), text) + " \n"


def no_accents(text: str, chance: Chance) -> str:
    """Latin letters without accents, Arabic ones without vowel signs; other letters stay themselves."""
    return "".join(_bare(letter) for letter in unicodedata.normalize("NFC", text))


def _bare(letter: str) -> str:
    apart = unicodedata.normalize("NFD", letter)
    return apart[0] if apart[0].isascii() or letter in _HARAKAT else letter if letter not in _HARAKAT else ""


_HARAKAT = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670"


def other_digits(script: str) -> Callable[[str, Chance], str]:
    """The digits in another script."""
    table = str.maketrans("0123456789", _DIGITS[script])
    return lambda text, chance: text.translate(table)


def emoji(text: str, chance: Chance) -> str:
    """Emoji before, after, and between two words; none that laughs, which means something."""
    spaces = [found.start() for found in re.finditer(r" ", text)]
    at = chance.choice(spaces) if spaces else len(text)
    one, two, three = (chance.choice(_EMOJI) for _ in range(3))
    return f"{one} {text[:at]} {two}{text[at:]} {three}"


def typo(text: str, chance: Chance) -> str:
    """One letter swapped with its neighbour, lost, or doubled, in one word of five letters or more;
    the first letter stays."""
    words = [found for found in _LETTERS.finditer(text) if len(found.group()) >= LONG_ENOUGH]
    if not words:
        return text
    word = chance.choice(words)
    at = chance.randrange(word.start() + 1, word.end() - 1)
    kind = chance.choice(("swapped", "lost", "doubled"))
    if kind == "swapped":
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :] if kind == "lost" else text[:at] + text[at] + text[at:]


GREETINGS = {
    "en": ("Hello", "Good morning to you all", "Hi, hope you are well", "Excuse me please"),
    "es": ("Hola", "Buenos días a todos", "Disculpe la molestia", "Espero que estén bien"),
    "fr": ("Bonjour", "Salut tout le monde", "Excusez-moi", "J'espère que vous allez bien"),
    "ar": ("مرحبا", "السلام عليكم", "صباح الخير", "كيف حالكم"),
    "uk": ("Добрий день", "Вітаю вас", "Перепрошую", "Доброго ранку всім"),
    "ru": ("Здравствуйте", "Добрый день", "Извините, пожалуйста", "Доброе утро всем"),
    "fa": ("سلام", "صبح بخیر"),
    "pt": ("Olá", "Bom dia a todos"),
    "tr": ("Merhaba", "Günaydın"),
}
THANKS = {
    "en": ("Thank you very much", "Have a nice day", "Greetings to the team", "Thanks for reading"),
    "es": ("Muchas gracias", "Que tengan buen día", "Saludos al equipo", "Gracias por leer"),
    "fr": ("Merci beaucoup", "Bonne journée", "Salutations à l'équipe", "Merci de m'avoir lu"),
    "ar": ("شكرا جزيلا", "نهاركم سعيد", "سلامي للجميع", "شكرا لوقتكم"),
    "uk": ("Дуже дякую", "Гарного дня", "Вітання команді", "Дякую за увагу"),
    "ru": ("Большое спасибо", "Хорошего дня", "Привет команде", "Спасибо за внимание"),
    "fa": ("خیلی ممنون", "روز خوبی داشته باشید"),
    "pt": ("Muito obrigado", "Tenha um bom dia"),
    "tr": ("Çok teşekkür ederim", "İyi günler"),
}
DENIALS = {
    "en": (
        "I don't want to kill myself",
        "I am not suicidal",
        "I'm fine now",
        "just kidding",
        "forget it, it was a joke",
    ),
    "es": ("No me quiero matar", "No quiero morir", "Ya estoy bien", "era broma", "olvídelo, no es nada"),
    "fr": (
        "Je ne veux pas me tuer",
        "Je ne veux pas mourir",
        "Ça va mieux",
        "je rigole",
        "laissez tomber, ce n'est rien",
    ),
    "ar": ("لا أريد أن أقتل نفسي", "لا أريد أن أموت", "أنا بخير الآن", "كنت أمزح", "انسوا الأمر"),
    "uk": ("Я не хочу себе вбити", "Я не хочу помирати", "Вже все добре", "я пожартувала", "забудьте, то дурниці"),
    "ru": ("Я не хочу себя убить", "Я не хочу умирать", "Уже всё хорошо", "это была шутка", "забудьте, ерунда"),
}
JOINS = (". ", "\n", ", ", " ")


def greeted(text: str, language: str, chance: Chance) -> str:
    """With a greeting before it, as its own sentence or not."""
    return chance.choice(GREETINGS[language]) + chance.choice(JOINS) + text


def thanked(text: str, language: str, chance: Chance) -> str:
    """With thanks or wishes behind it, as their own sentence or not."""
    return text + chance.choice(JOINS) + chance.choice(THANKS[language])


def denied(text: str, language: str, chance: Chance) -> str:
    """Denied afterwards, in the same message."""
    return text + chance.choice(JOINS) + chance.choice(DENIALS[language])
