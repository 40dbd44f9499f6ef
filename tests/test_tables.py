"""Tables, dates and encodings that are not as documented: read rightly, or said, never guessed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.reading import read
from tests.test_prepare_sources import lines, run
from trainer.__main__ import main
from trainer.archives.dates import read_date
from trainer.errors import ArchiveError


@pytest.mark.parametrize(
    ("table", "texts", "misfits"),
    [
        ('id,text\n1,"a ""b"", c"\n', ['a "b", c'], []),
        ('id,text\n1,"a \\"b\\", c"\n', ['a "b", c'], []),
        ('id,text\n1,"a \\"b\\"\nc"\n2,d\n', ['a "b"\nc', "d"], []),
        ('id,text\n1,"ends so \\"",\n2,"x \\"y\\" z"\n', ['ends so "', 'x "y" z'], []),
        ('id,text\n1,"a "b" c"\n2,"d"\n', ['a "b" c', "d"], []),
        ('id,text,n\n1,"a "b", c",5\n2,d,6\n', ["d"], ["posts line 2"]),
        ("id,text,n\n1,a, b,5\n2,c,6\n", ["c"], ["posts line 2"]),
        ("id,text,n\n1,a\nb,5\n2,c,6\n", ["c"], ["posts line 2", "posts line 3"]),
        ('id,text\n1,"never closed\n2,"b"\n3,c\n', ["b", "c"], ["posts line 2"]),
        ('id,text\n1,a\n2,"cut off', ["a"], ["posts line 3"]),
        ("id,text\n1,a,,\n2,b\n,,,\n", ["a", "b", ""], []),
        ("id;text\n1;a, b\n", ["a, b"], []),
        ('id\ttext\n1\t"a\tb"\n', ["a\tb"], []),
        ("text\na, b and c\n", ["a, b and c"], []),
        ('text\n"a, b"\na; b\n', ["a, b", "a; b"], []),
        ('text\nHe said "no", and left\n', ['He said "no", and left'], []),
        ('text\n"no", he said, and left\n', [], ["posts line 2"]),
        ("text,date\na\n", [], ["posts line 2"]),
        ("id,text\n1,a\nid,text\n2,b\n", ["a", "b"], []),  # two tables, one behind the other
        ("text\nC:\\dir\\file\n", ["C:\\dir\\file"], []),
    ],
)
def test_a_row_is_whole_or_counted(
    tmp_path: Path, table: str, texts: list[str], misfits: list[str]
) -> None:
    (tmp_path / "posts").write_text(table, newline="")
    found = read(tmp_path / "posts")
    assert (found.texts, found.unreadable) == (texts, misfits)
    said = [w for w in found.tally.warnings if "not fit the header" in w]
    assert len(said) == bool(misfits)
    if misfits:
        assert f"the first in {misfits[0].removeprefix('posts ')}:" in said[0]


def test_a_quote_that_is_never_closed_is_refused_in_time(tmp_path: Path) -> None:
    (tmp_path / "posts").write_text('id,text\n1,"a\n' + "2,b\n" * 20_000)
    with pytest.raises(ArchiveError, match=r"a quote that opens in line 2 is not closed"):
        read(tmp_path / "posts")


JANUARY = datetime(2024, 1, 31, tzinfo=UTC)
EVENING = datetime(2024, 1, 31, 18, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (1706724005, EVENING),
        (1706724005000, EVENING),
        ("1706724005000000", EVENING),
        ("1706724005000000000", EVENING),
        ("1706724005.0", EVENING),
        (1.706724005e9, EVENING),
        ("20240131", JANUARY),
        (20240131, JANUARY),
        (20240131.0, JANUARY),
        ("20240131180005", EVENING),
        ("20240131T180005Z", EVENING),
        ("2024-01-31T19:00:05+01:00", EVENING),
        ("2024-01-31T18:00:05.123456789Z", EVENING.replace(microsecond=123456)),
        ("2024-01-31 18:00:05 UTC", EVENING),
        ("2024-01-31 18:00:05 +0000 UTC", EVENING),
        ("Wed, 31 Jan 2024 19:00:05 +0100", EVENING),
        ("31 Jan 2024 18:00:05 GMT", EVENING),
        ("Wed Jan 31 2024 19:00:05 GMT+0100 (Central European Standard Time)", EVENING),
        ("Wed Jan 31 13:00:05 EST 2024", EVENING),
        ("Jan 31, 2024, 6:00:05 PM", EVENING),
        ("January 31, 2024 at 6:00:05 PM", EVENING),
        ("31 January 2024", JANUARY),
        ("2024/01/31", JANUARY),
        ("2024/1/31", JANUARY),
        ("2024.01.31", JANUARY),
        ("31.01.2024", JANUARY),
        ("31.1.2024 18:00:05", EVENING),
        ("01.02.2024", datetime(2024, 2, 1, tzinfo=UTC)),  # dots: the day first
        ("31/01/2024", JANUARY),
        ("1/31/2024 6:00:05 PM", EVENING),
        ({"$date": "2024-01-31T18:00:05Z"}, EVENING),
        ({"_seconds": 1706724005, "_nanoseconds": 0}, EVENING),
        ({}, None),
        ("2003-04-05", datetime(2003, 4, 5, tzinfo=UTC)),  # a blog
        ("01/02/2024", None),  # January or February
        ("2022", None),
        (2022, None),
        ("2022-05", None),
        ("May 2022", None),
        ("31/01/24", None),
        ("10:30", None),
        (45322, None),  # days since 1899, as spreadsheets count, or seconds
        (1, None),
        ("86400", None),
        ("1970-01-01T00:00:00Z", None),
        ("1969-12-31", None),
        ("20241331", None),
        (99999999999999, None),
        (True, None),
        ([2024], None),
        ("9" * 400, None),
        ("inf", None),
        ("today at 5", None),
    ],
)
def test_a_date_is_read_or_it_is_none(value: object, date: datetime | None) -> None:
    assert read_date(value) == date


@pytest.mark.parametrize(
    ("column", "dates", "said"),
    [
        (["03/04/2024", "25/04/2024"], ["2024-04-03", "2024-04-25"], "day first"),
        (["03/04/2024", "04/25/2024"], ["2024-03-04", "2024-04-25"], "month first"),
        (["03/04/2024", "05/04/2024"], [None, None], "'03/04/2024' (line-1): left out"),
        (["3-4-2024 10:00", "13-4-2024 10:00"], ["2024-04-03", "2024-04-13"], "day first"),
        (["2024-04-03", "2024"], ["2024-04-03", None], "1 date is in no known format"),
        (["2024-04-03", "gestern"], ["2024-04-03", None], "'gestern' (line-2)"),
        (["2024-04-03", ""], ["2024-04-03", None], None),
    ],
)
def test_what_comes_first_in_a_date_is_told_by_the_others(
    tmp_path: Path, column: list[str], dates: list[str | None], said: str | None
) -> None:
    rows = "".join(f"post {n},{date}\n" for n, date in enumerate(column))
    (tmp_path / "posts.csv").write_text(f"text,date\n{rows}")
    found = read(tmp_path / "posts.csv")
    read_dates = [p.created_at and p.created_at.date().isoformat() for p in found.posts]
    assert read_dates == dates
    warnings = " ".join(found.tally.warnings)
    assert (said in warnings) if said else not warnings


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": "a"}, {"text": "b"}], "No post has a date"),
        ([{"text": "a"}, {"text": "b", "date": "2020-01-01"}], "1 posts have no date"),
        (
            [{"text": "a", "date": "1999-01-01"}],
            "1 posts are dated before 2006, such as 1999-01-01",
        ),
        ([{"text": "a", "date": "2099-01-01"}], "1 posts are dated after today"),
        ([{"text": "a", "date": 0}, {"text": "b", "date": 7}], "No post has a date"),
    ],
)
def test_an_order_that_may_be_wrong_is_said(
    tmp_path: Path, rows: list[dict[str, object]], said: str
) -> None:
    _, _, printed = run([lines(tmp_path / "posts.jsonl", *rows)], tmp_path / "data")
    assert said in " ".join(printed.split())


WESTERN = {
    "German": "Die Fähre fällt aus, größer als gestern; Öl! Tschüß",
    "French": "Où est-il passé, hélas ? L’été, créée, naïve, cœur",
    "Spanish": "¿Qué pasó? ¡El niño irá mañana! ¡¡¡Sí!!!",
    "Portuguese": "São três ações, não é? Fim às 10h",
    "Danish": "Blåbærgrød på øen",
    "Icelandic": "Það er þoka í dag, Alþingi, íþrótt",
    "English": "It’s a café — “so” they say… 5€, 20 °C",
}
OTHERS = {
    "cp1251": "Сегодня на реке был лёд",
    "koi8_r": "Сегодня на реке был лёд",
    "cp1250": "Zażółć gęślą jaźń, łódź w święto",
    "cp1253": "Σήμερα το ποτάμι πάγωσε",
    "cp1255": "היום הנהר קפא",
    "cp1256": "اليوم تجمد النهر",
    "mac_roman": "It’s a café on the quay, größer",
    "cp850": "Die Fähre fällt aus, größer als gestern",
    "shift_jis": "今日の散歩はこの道が一番",
    "euc_jp": "今日の散歩はこの道が一番",
    "gb18030": "今天下雪了，很冷",
    "cp949": "오늘은 눈이 왔다",
    "cp874": "วันนี้ฝนตก",
}
FORMS = {
    "csv": "id,text\n1,{}\n",
    "jsonl": '{{"id": 1, "text": "{}"}}\n{{"id": 2, "text": "b"}}\n',
    "json": '[{{"id": 1, "text": "{}"}}]',
    "object": '{{\n"posts": [\n{{"id": 1, "text": "{}"}}]}}',
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", WESTERN)
def test_western_windows_is_read_and_shown(tmp_path: Path, name: str, form: str) -> None:
    text = WESTERN[name].replace(",", ";") if form == "csv" else WESTERN[name]
    (tmp_path / "posts").write_bytes(FORMS[form].format(text).encode("cp1252"))
    found = read(tmp_path / "posts")
    assert found["1"].text == text
    (said,) = found.tally.warnings
    assert "read as cp1252 (Windows), with words such as" in said
    assert "--encoding" in said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", OTHERS)
def test_another_encoding_is_refused_unless_it_is_named(
    tmp_path: Path, encoding: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = OTHERS[encoding].replace(",", ";")
    path = tmp_path / "posts"
    path.write_bytes(FORMS[form].format(text).encode(encoding))
    with pytest.raises(ArchiveError, match="--encoding cp1251"):
        read(path)
    if form == "csv":
        flags = ["--encoding", encoding, "--out", str(tmp_path / "data")]
        assert main(["prepare", str(path), *flags]) == 0
        assert text in (tmp_path / "data" / "posts.jsonl").read_text("utf-8")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("text", "is_garbled"),
    [
        ("caf\u00c3\u00a9", True),
        ("it\u00e2\u20ac\u2122s", True),
        ("São Tomé, café, naïve", False),
        ("ÂNGELA gritou", False),
    ],
)
def test_letters_that_another_program_garbled_are_said(
    tmp_path: Path, text: str, is_garbled: bool
) -> None:
    found = read(lines(tmp_path / "posts.jsonl", {"text": text}))
    assert found.texts == [text]
    assert ["wrong encoding" in w for w in found.tally.warnings] == [True] * is_garbled


def test_an_unknown_encoding_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("windows", "base64", "rot13"):
        with pytest.raises(SystemExit):
            main(["prepare", "posts.csv", "--out", "data", "--encoding", name])
        assert f"{name} is no encoding" in capsys.readouterr().err
