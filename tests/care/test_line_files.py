"""Files of help lines: every mistake is told with its place, and a number is never changed by reading it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bot.care.line_files import read_lines
from bot.errors import ContentError
from escalation.lines import Cost, HelpLine, LineChannel, LineStatus, Span
from tests.world import ROOT

GOOD = """
lines:
  - id: xx-talk
    country: NO
    name: {en: Talk line, ar: خط}
    operator: made up
    type: emotional_support
    contacts:
      - {channel: phone, value: 00 010, cost: free}
      - {channel: webchat, value: https://chat.example/now}
    languages: [en, ar]
    hours: {tz: Africa/Lagos, weekly: mon-fri 08:00-20:00; sat 20:00-02:00, exceptions: {2026-12-25: closed}}
    may_call_police: no
    source_url: https://lines.example/
    source_kind: operator
"""


def read(tmp_path: Path, written: str, name: str = "lines.yml") -> list[HelpLine]:
    path = tmp_path / name
    path.write_text(written, encoding="utf-8")
    return [one.line for one in read_lines(path)]


def mistakes(tmp_path: Path, written: str, name: str = "lines.yml") -> str:
    with pytest.raises(ContentError) as caught:
        read(tmp_path, written, name)
    return caught.value.sentence.replace(f"{tmp_path}/", "")


def test_a_number_is_kept_sign_by_sign(tmp_path: Path) -> None:
    """YAML would make 00010 the number 8, and NO a no."""
    (line,) = read(tmp_path, GOOD.replace("00 010", "00010"))
    assert (line.contacts[0].value, line.country) == ("00010", "NO")


def test_all_that_stands_in_a_file_is_read(tmp_path: Path) -> None:
    (line,) = read(tmp_path, GOOD)
    assert (line.id, line.name["ar"], line.languages) == ("xx-talk", "خط", ("en", "ar"))
    assert [one.channel for one in line.contacts] == [LineChannel.PHONE, LineChannel.WEBCHAT]
    assert line.contacts[0].cost is Cost.FREE and line.may_call_police is False and line.anonymous is None
    assert line.hours.weekly[5] == (Span(20 * 60, 2 * 60),)
    assert not line.hours.is_open(datetime(2026, 12, 25, 10, tzinfo=UTC))
    assert line.hours.exceptions == {date(2026, 12, 25): ()}


def test_whatever_a_file_says_its_lines_are_unverified(tmp_path: Path) -> None:
    (line,) = read(tmp_path, GOOD)
    assert line.status is LineStatus.UNVERIFIED and line.verified_on is None
    found = mistakes(tmp_path, GOOD + "    verified_on: 2026-11-01\n    status: active\n")
    assert "lines.yml:16: a file cannot say verified_on" in found
    assert "lines.yml:17: a file cannot say status" in found and "harbour lines verify" in found


@pytest.mark.parametrize(
    ("was", "put", "said"),
    [
        ("country: NO", "country: Norway", "lines.yml:4: country: .*two letters"),
        ("id: xx-talk", "id: XX Talk", "lines.yml:3: id: .*small letters"),
        ("Talk line", "x" * 41, "lines.yml:5: name: .*40 is the most"),
        ("Talk line", '"Talk\\u202e line"', "lines.yml:5: name: .*invisible sign"),
        ("    operator: made up\n", "", "lines.yml:3: operator is missing"),
        ("type: emotional_support", "type: friend", "lines.yml:7: type: .*one of emergency"),
        ("value: 00 010", "value: ٠٠ ٠١٠", "lines.yml:8: contacts: .*digits 0-9"),
        ("value: 00 010", "value: 8.0E+10", "lines.yml:8: contacts: .*cannot be dialled"),
        ("value: 00 010", "value: call 00 010", "lines.yml:8: contacts: .*dial_note"),
        ("https://chat", "http://chat", "lines.yml:8: contacts: .*https"),
        ("cost: free", "cots: free", "lines.yml:8: contacts: .*may have .*cost"),
        ("[en, ar]", "en", "lines.yml:11: languages: .*for example"),
        ("Africa/Lagos", "Lagos", "lines.yml:12: hours: .*IANA"),
        ("mon-fri 08:00-20:00", "mon-fri 8-20", "lines.yml:12: hours: .*for example 08:00"),
        ("mon-fri", "weekdays", "lines.yml:12: hours: .*no day"),
        ("08:00-20:00", "08:00-08:00", "lines.yml:12: hours: .*00:00-24:00"),
        ("2026-12-25", "25.12.", "lines.yml:12: hours: .*year-month-day"),
        ("may_call_police: no", "may_call_police: perhaps", "lines.yml:13: may_call_police: .*yes nor no"),
        ("may_call_police", "may_call", 'lines.yml:13: "may_call" is no key'),
        ("source_kind: operator", "source_kind: friend", "lines.yml:15: source_kind: .*one of operator"),
        ("    country: NO\n", "    country: NO\n    country: SE\n", 'lines.yml:5: "country" stands here twice'),
        ("lines:", "line:", "lines.yml:1: there is no list"),
        ("- id", "- {id", "lines.yml:.*no YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_how_to_mend_it(tmp_path: Path, was: str, put: str, said: str) -> None:
    assert was in GOOD
    found = mistakes(tmp_path, GOOD.replace(was, put, 1))
    assert re.search(said, found), found


def test_every_mistake_of_a_file_is_told_at_once_and_nothing_is_read(tmp_path: Path) -> None:
    second = GOOD.replace("lines:\n", "").replace("country: NO", "country: 1").replace("cost: free", "cost: much")
    found = mistakes(tmp_path, GOOD + second)
    assert "country" in found and "contacts" in found
    assert found.endswith("Nothing was imported.")


def test_one_id_stands_once_in_a_file(tmp_path: Path) -> None:
    found = mistakes(tmp_path, GOOD + GOOD.replace("lines:\n", ""))
    assert '"xx-talk" stands in line 3 too' in found


CSV = """id,country,name_en,name_ar,operator,type,phone,whatsapp,cost,languages,tz,weekly,exceptions,source_url,source_kind
xx-talk,XX,Talk line,خط,made up,emotional_support,00 010,,free,en ar,UTC,24/7,2026-12-25 closed,https://l.example/,un
xx-two,XX,Line two,,made up,suicide,unknown,+00 00,,en,Africa/Lagos,"mon-fri 08:00-20:00; sat 09:00-12:00",,https://l.example/,un
"""


def test_a_table_is_read_like_a_list(tmp_path: Path) -> None:
    one, two = read(tmp_path, CSV, "lines.csv")
    assert one.hours.always and not one.hours.is_open(datetime(2026, 12, 25, 10, tzinfo=UTC))
    assert one.contacts[0].value == "00 010" and one.contacts[0].cost is Cost.FREE
    assert [(c.channel.value, c.value, c.usable) for c in two.contacts] == [
        ("phone", "unknown", False),
        ("whatsapp", "+00 00", True),
    ]
    assert "ar" not in two.name and two.hours.weekly[5] == (Span(9 * 60, 12 * 60),)


def test_a_mistake_in_a_table_is_told_with_its_row(tmp_path: Path) -> None:
    assert "lines.csv:3: type:" in mistakes(tmp_path, CSV.replace("suicide", "other"), "lines.csv")
    assert "lines.csv:2: more values than columns" in mistakes(tmp_path, CSV.replace("un\n", "un,x\n", 1), "lines.csv")


def test_the_example_is_read_and_holds_nothing_that_can_be_called() -> None:
    path = ROOT / "docs" / "examples" / "lines.yml"
    found = [one.line for one in read_lines(path)]
    assert len(found) == 2
    assert all(line.country == "XX" and not line.usable_contacts for line in found)
    values = re.findall(r"value: ([^,}]+)", path.read_text(encoding="utf-8"))
    assert set(values) == {"unknown"}
