"""What contacts write: the same messages, in the same order, to both systems.

Owns: SCRIPTS, said().
May import: nothing.
Start reading at: `SCRIPTS`.

Ten turns of one visit: small talk, the breathing exercise with its two numbers, a hard day, groups,
services.
No message shows risk, asks for a person or is a global word, so that each is read by the model and
answered by one message in Harbour, as it is in Rasa. Invented, and not taken from `nlu_data/`.
"""

from __future__ import annotations

SCRIPTS: dict[str, tuple[str, ...]] = {
    "en": (
        "hello good morning to you",
        "i am so stressed these days",
        "6",
        "done",
        "3",
        "thank you, that was good",
        "i cannot fall asleep these nights",
        "when does the group meet this week?",
        "where is the health post?",
        "ok goodbye for now",
    ),
    "es": (
        "hola, muy buenos días",
        "me siento muy estresada estos días",
        "6",
        "listo",
        "3",
        "muchas gracias, me sirvió",
        "anoche otra vez no pude dormir",
        "¿cuándo se reúne el grupo esta semana?",
        "¿dónde queda el puesto de salud?",
        "bueno, adiós por ahora",
    ),
    "ar": (
        "مرحبا، صباح الخير",
        "ضغط كبير علي هذه الأيام",
        "6",
        "انتهيت",
        "3",
        "شكرًا جزيلًا لك",
        "لم أستطع النوم ليلة أمس",
        "متى تجتمع المجموعة هذا الأسبوع؟",
        "أين يقع المركز الصحي؟",
        "حسنًا، مع السلامة",
    ),
}
LANGUAGES = tuple(SCRIPTS)
CYCLE = 10


def said(language: str, turn: int) -> str:
    """What a contact of that language writes in their `turn`-th turn, counted from 0."""
    return SCRIPTS[language][turn % CYCLE]
