"""Demo content: two sites, four groups that meet in the coming days, a rota, services.

Owns: load().
May import: store's tables.
Start reading at: `load`.

Everything here is made up to try the product with; there is no phone number in it, and nothing of
it is shown unless `harbour run` loads it.
"""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from bot import clock
from bot.store.database import Session
from bot.store.tables import group_, meeting, service, shift, site

_SPACE = uuid.UUID("6f1d4f0e-52a0-4c86-9d0e-7d5f3c1b2a10")
_DAYS = 14
_LANGUAGES = ["en", "es", "fr", "ar", "uk", "ru"]


def _id(name: str) -> uuid.UUID:
    return uuid.uuid5(_SPACE, name)


_SITES = {"North site": "Africa/Lagos", "South site": "Africa/Nairobi"}
_SITE_NAMES = {
    "North site": {
        "en": "North site", "es": "Sitio norte", "fr": "Site nord",
        "ar": "الموقع الشمالي", "uk": "Північний майданчик", "ru": "Северная площадка",
    },
    "South site": {
        "en": "South site", "es": "Sitio sur", "fr": "Site sud",
        "ar": "الموقع الجنوبي", "uk": "Південний майданчик", "ru": "Южная площадка",
    },
}  # fmt: skip
# name in each language, site, kind, weekday (0 is Monday), hour, place
_GROUPS = [
    (
        {
            "en": "Women's circle", "es": "Círculo de mujeres", "fr": "Cercle de femmes",
            "ar": "حلقة النساء", "uk": "Жіноче коло", "ru": "Женский круг",
        },
        "North site", "women", 1, 15,
    ),
    (
        {
            "en": "Men talk", "es": "Hombres que conversan", "fr": "Parole d'hommes",
            "ar": "حديث الرجال", "uk": "Чоловіча розмова", "ru": "Мужской разговор",
        },
        "North site", "men", 3, 17,
    ),
    (
        {
            "en": "Talking together", "es": "Conversar en grupo", "fr": "Parler ensemble",
            "ar": "نتحدث معًا", "uk": "Говоримо разом", "ru": "Говорим вместе",
        },
        "South site", "talk", 2, 10,
    ),
    (
        {
            "en": "Young people: craft and sport", "es": "Jóvenes: manualidades y deporte",
            "fr": "Jeunes : artisanat et sport", "ar": "الشباب: أشغال ورياضة",
            "uk": "Молодь: майстрування і спорт", "ru": "Молодёжь: поделки и спорт",
        },
        "South site", "young", 5, 14,
    ),
]  # fmt: skip
_PLACE = {
    "en": "Community room", "es": "Sala comunitaria", "fr": "Salle communautaire",
    "ar": "القاعة المجتمعية", "uk": "Кімната громади", "ru": "Общая комната",
}  # fmt: skip
_SERVICES = [
    (
        "North site",
        {
            "en": "Health post", "es": "Puesto de salud", "fr": "Poste de santé",
            "ar": "نقطة صحية", "uk": "Медпункт", "ru": "Медпункт",
        },
        {
            "en": "Beside the main gate. Monday to Saturday, 8:00 to 16:00. Free.",
            "es": "Junto a la entrada principal. De lunes a sábado, de 8:00 a 16:00. Gratis.",
            "fr": "À côté de l'entrée principale. Du lundi au samedi, de 8:00 à 16:00. Gratuit.",
            "ar": "بجانب البوابة الرئيسية. من الاثنين إلى السبت، 8:00 إلى 16:00. مجانًا.",
            "uk": "Біля головного входу. З понеділка до суботи, 8:00–16:00. Безкоштовно.",
            "ru": "У главного входа. С понедельника по субботу, 8:00–16:00. Бесплатно.",
        },
    ),
    (
        "South site",
        {
            "en": "Legal advice desk", "es": "Mesa de orientación legal", "fr": "Bureau de conseil juridique",
            "ar": "مكتب المشورة القانونية", "uk": "Правова консультація", "ru": "Правовая консультация",
        },
        {
            "en": "Community centre, room 2. Tuesday and Thursday, 9:00 to 13:00. Free.",
            "es": "Centro comunitario, sala 2. Martes y jueves, de 9:00 a 13:00. Gratis.",
            "fr": "Centre communautaire, salle 2. Mardi et jeudi, de 9:00 à 13:00. Gratuit.",
            "ar": "المركز المجتمعي، الغرفة 2. الثلاثاء والخميس، 9:00 إلى 13:00. مجانًا.",
            "uk": "Громадський центр, кімната 2. Вівторок і четвер, 9:00–13:00. Безкоштовно.",
            "ru": "Общественный центр, комната 2. Вторник и четверг, 9:00–13:00. Бесплатно.",
        },
    ),
]  # fmt: skip


async def load(session: Session) -> None:
    """Load it, or bring meetings and rota up to today. What is there already stays."""
    now = clock.now()
    for name, zone in _SITES.items():
        await _keep(session, site, id=_id(name), name=_SITE_NAMES[name], time_zone=zone)
    for names, place, kind, weekday, hour in _GROUPS:
        await _load_group(session, now, names, place, kind, weekday, hour)
    for at, title, details in _SERVICES:
        service_id = _id(at + title["en"])
        await _keep(session, service, id=service_id, site_id=_id(at), name=title, details=details, verified_at=now)
    for day in range(_DAYS):
        await _load_shift(session, now + timedelta(days=day))


async def _load_group(
    session: Session, now: datetime, names: dict[str, str], place: str, kind: str, weekday: int, hour: int
) -> None:
    group_id = _id(names["en"])
    await _keep(
        session, group_, id=group_id, site_id=_id(place), name=names, kind=kind, for_minors=kind == "young", capacity=20
    )
    zone = ZoneInfo(_SITES[place])
    today = now.astimezone(zone).date()
    for ahead in range(_DAYS):
        day = today + timedelta(days=ahead)
        starts_at = datetime.combine(day, time(hour), tzinfo=zone)
        if day.weekday() == weekday and starts_at > now:
            meeting_id = _id(f"{names['en']} {starts_at.isoformat()}")
            await _keep(session, meeting, id=meeting_id, group_id=group_id, starts_at=starts_at, place=_PLACE)


async def _load_shift(session: Session, day: datetime) -> None:
    """One shift a day, 7:00 to 19:00 UTC, so that both availability and its absence can be seen."""
    starts_at = datetime.combine(day.date(), time(7), tzinfo=day.tzinfo)
    await _keep(
        session,
        shift,
        id=_id(f"shift {starts_at.date()}"),
        counsellor="demo counsellor",
        languages=_LANGUAGES,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=12),
    )


async def _keep(session: Session, table: sa.Table, **values: object) -> None:
    await session.run(insert(table).values(**values).on_conflict_do_nothing())
