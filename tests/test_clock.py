"""Times as people type them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.clock import parse_moment, parse_zone
from bot.errors import UserError
from bot.language import in_english

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)  # 18:00 in Berlin


@pytest.mark.parametrize(
    ("typed", "local"),
    [
        ("18:30", "2026-11-22 18:30"),
        ("9 pm", "2026-11-22 21:00"),
        ("today 19:00", "2026-11-22 19:00"),
        ("tomorrow 9:00", "2026-11-23 09:00"),
        ("Tomorrow at 9", "2026-11-23 09:00"),
        ("morgen um 9 Uhr", "2026-11-23 09:00"),
        ("2026-12-01 09:00", "2026-12-01 09:00"),
        ("2026-12-01T09:00", "2026-12-01 09:00"),
        ("1.12. 9:30", "2026-12-01 09:30"),
        ("01.12.2026, 9.30", "2026-12-01 09:30"),
        ("1.1. 0:05", "2027-01-01 00:05"),
        ("2027-03-28 02:30", "2027-03-28 03:30"),
        ("2027-10-31 02:30", "2027-10-31 02:30"),
        ("2026-12-01T08:00Z", "2026-12-01 09:00"),
        ("2026-12-01T08:00:00+00:00", "2026-12-01 09:00"),
        ("2026-12-01 03:00-05:00", "2026-12-01 09:00"),
        ("<t:1796112000:F>", "2026-12-01 09:00"),
        ("<t:1796112000>", "2026-12-01 09:00"),
    ],
)
def test_a_time_is_understood_in_its_zone(typed: str, local: str) -> None:
    moment = parse_moment(typed, BERLIN, NOW, in_english)
    assert f"{moment.astimezone(BERLIN):%Y-%m-%d %H:%M}" == local


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("17:59", "is past"),
        ("18:00", "is past"),
        ("22.11. 9:00", "is past"),
        ("2028-01-01 09:00", "more than a year ahead"),
        *((text, "not a time I understand") for text in ("soon", "", "25:00", "31.2. 9:00")),
        ("tomorrow", "not a time I understand"),
        ("2026-13-01 09:00", "not a time I understand"),
        ("9999-12-31 23:59", "not a time I understand|more than a year ahead"),
        ("0001-01-01 00:00", "not a time I understand|is past"),
        ("<t:1>", "is past"),
        ("<t:999999999999:R>", "not a time I understand"),
        ("0001-01-01T00:00+14:00", "not a time I understand"),
    ],
)
def test_another_time_is_refused_with_a_sentence(typed: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_moment(typed, BERLIN, NOW)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (" Europe/Amsterdam ", "Europe/Amsterdam"),
        ("America/New York", "America/New_York"),
        ("america / new york", "America/New_York"),
        ("America\\Sao_Paulo", "America/Sao_Paulo"),
        ("São Paulo", "America/Sao_Paulo"),
        ("Zürich", "Europe/Zurich"),
        ("BERLIN", "Europe/Berlin"),
        ("America/Argentina/Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("utc", "UTC"),
        ("Singapore", "Singapore"),
    ],
)
def test_a_zone_is_an_iana_name_however_it_is_typed(typed: str, key: str) -> None:
    assert parse_zone(typed).key == key


def test_what_is_no_zone_is_said() -> None:
    for name in ("Mars/Base", "", "../etc/passwd", "America", "Louisville", "GMT+25", "\0"):
        with pytest.raises(UserError, match="not a time zone"):
            parse_zone(name)
