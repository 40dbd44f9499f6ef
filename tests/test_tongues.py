"""From a post to a draft in any language: notes, facts, topics, and the language of a draft."""

import random
import tomllib
from pathlib import Path

import pytest

from bot.draft import Candidate, Style
from bot.voice.facts import check, facts
from bot.voice.notes import NO_WORDING, Wording, content_of, difference, notes_of
from bot.voice.tongues import is_in_another, main_languages, tongue
from bot.writing.composing import Drawn, Request
from trainer.data.tokens import readable
from trainer.data.topics import find_topics, learn_habits

GERMAN = [
    "Die neue Fähre nach Wismar fährt heute nicht, sagt Brenda Fink vom Hafen.",
    "Im Hafen war eine Gans, und die Gans von Brenda Fink war nicht zu übersehen.",
    "Der Nebel liegt über Wismar und der Fähre, auch am Montag, sagt die Stadt.",
]
FRENCH = [
    "Nous quittons l’Irlande pour la Bretagne, avec l'équipage de la vieille barque.",
    "La Bretagne et l'Irlande sont dans la brume ; l'équipage attend depuis mardi.",
    "Simone de la Tour et l’équipage de l’Irlande dorment, la barque ne part pas.",
]
TURKISH = [
    "Bugün İzmir'in limanında sis var, feribot İzmir'den geç kalktı.",
    "Feribot bugün İzmir'e varmadı, biz limanda sadece çay içtik.",
    "Salı günü limanda değildik, İzmir'de çok sis vardı.",
]
JAPANESE = [
    "今日の連絡フェリーは霧のため三十分遅れて港を出ます。",
    "連絡フェリーの乗り場でお茶を飲みました。港は静かです。",
    "月曜日、連絡フェリーは港に来ませんでした。",
]
# Nobody has made a table for these
FINNISH = [
    "Lautta lähti tänään Turusta puoli tuntia myöhässä sumun takia.",
    "Satamassa ei ole ketään, ja lautta Turusta odottaa sumussa.",
    "Maanantaina lautta ei lähde Turusta lainkaan, sanoi satama.",
]
SWAHILI = [
    "Feri kutoka Lamu imechelewa nusu saa leo kwa sababu ya ukungu.",
    "Hakuna mtu bandarini Lamu, na feri bado inasubiri kwenye ukungu.",
    "Jumatatu feri haitaondoka Lamu kabisa, bandari imesema.",
]
HEBREW = [
    "המעבורת יצאה היום באיחור של חצי שעה מהנמל בגלל הערפל.",
    "אין אף אחד בנמל, והמעבורת מחכה בערפל של הבוקר.",
    "ביום שני המעבורת לא תצא מהנמל בגלל הערפל.",
]
THAI = [
    "วันนี้เรือข้ามฟากออกจากท่าช้าไปครึ่งชั่วโมงเพราะหมอก",
    "ที่ท่าเรือไม่มีใครเลย เรือข้ามฟากรออยู่ในหมอก",
    "วันจันทร์เรือข้ามฟากจะไม่ออกจากท่าเรือ",
]
SAYS = {  # is in lists of stop words, and says something
    "en": "before after until if because but or when where how over up out now too",
    "de": """
gut neue jahr tag uhr hoch mann acht elf zwei kaum nein muss kann gegen mehr wenn bis aber""",
    "nl": "goed jaar twee tegen moet kan maar tot",
    "fr": """
rare pire seul cher bon beau cent deux dix neuf trop peu doit peut haut mais quand depuis""",
    "es": "hoy ayer peor mal ocho dos pais vez solo poco debe más ya pero desde hasta",
    "pt": "hoje povo novo dois mil mês ano deve pode área fim já mais mas até",
    "it": "oggi ieri anni vita uomo due sei mila meno deve può fine già ma quando",
    "pl": "dwa rok dziś już dobry ale przed",
    "ru": "два год бы уже сегодня но когда",
    "sv": "två år mot idag bra utan efter",
    "tr": "iki bin yüz iyi ilk tüm yedi önce artık çok ama çünkü",
}
ARCHIVES = [GERMAN, FRENCH, TURKISH, JAPANESE, FINNISH, SWAHILI, HEBREW, THAI]


@pytest.mark.parametrize("language", SAYS)
def test_what_says_something_is_no_small_word(language: str) -> None:
    told = tongue(language)
    assert told.small.isdisjoint(SAYS[language].split())
    assert told.small.isdisjoint(told.numbers), "a figure is a fact"


@pytest.mark.parametrize("posts", ARCHIVES, ids=lambda posts: main_languages(posts)[0])
def test_every_language_has_notes_and_topics(posts: list[str]) -> None:
    wording = Wording.of(posts)
    habits = learn_habits(posts, wording.languages)
    for post in posts:
        notes = notes_of(post, wording, 0.0, random.Random(1))
        assert notes_of(notes, wording) == notes
        assert len(content_of(notes, wording)) > 2, "notes say something"
        assert difference(notes_of(post, wording), post, wording).stems == 0
        found = [topic.text for topic in find_topics(post, (), (), habits)]
        assert found
        assert not {t.casefold() for t in found} & set(tongue(wording.languages[0]).small)


@pytest.mark.parametrize(
    ("posts", "text", "words"),
    [
        (GERMAN, "Die Fähre fährt nicht & wir warten.", "Fähre fährt nicht wir warten"),
        (FRENCH, "L’Irlande n'est pas dans la brume.", "l'Irlande n'est pas brume"),
        (TURKISH, "İzmir'de sis yok ve biz bekliyoruz.", "İzmir'de sis yok biz bekliyoruz"),
        (JAPANESE, "フェリーは港に来ません！3人で待つ。", "フェリー 港 来ません; 3人 待つ"),
        (THAI, "เรือของเราไม่ออกจากท่า", "เรือ เราไม่ออก ท่า"),
        (FINNISH, "Lautta ei lähde, koska on sumua.", "lautta ei lähde; koska on sumua"),
        (SWAHILI, "Feri haitaondoka leo kwa sababu.", "feri haitaondoka leo kwa sababu"),
        (HEBREW, "המעבורת לא יצאה בגלל הערפל.", "המעבורת לא יצאה בגלל הערפל"),
    ],
    ids=["de", "fr", "tr", "ja", "th", "fi", "sw", "he"],
)
def test_the_shortest_notes_keep_names_who_and_no(posts: list[str], text: str, words: str) -> None:
    """Where nobody knows which small words say no, all stay."""
    assert notes_of(text, Wording.of(posts), 0.0) == words


@pytest.mark.parametrize(
    ("posts", "text", "topics"),
    [
        (GERMAN, "Die Fähre war am Montag in Wismar.", ["Fähre", "Wismar"]),
        (FRENCH, "Mardi, l'Irlande attend Simone de la Tour.", ["Irlande", "Simone de la Tour"]),
        (TURKISH, "Sadece İzmir'den geldik, salı günü.", ["İzmir"]),
        (JAPANESE, "静かな連絡フェリーの上で。", ["連絡フェリー"]),
        (THAI, "บนเรือข้ามฟาก", ["เรือข้ามฟาก"]),
        (FINNISH, "Satamassa ja Turusta, maanantaina.", ["Turusta"]),
    ],
    ids=["de", "fr", "tr", "ja", "th", "fi"],
)
def test_topics_are_names_and_phrases_of_their_language(
    posts: list[str], text: str, topics: list[str]
) -> None:
    habits = learn_habits(posts, main_languages(posts))
    assert [topic.text for topic in find_topics(text, (), (), habits)] == topics


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AhoraSí", "Ahora Sí"),
        ("ViolenciaDeGénero", "Violencia De Género"),
        ("ЗаМир", "За Мир"),
        ("ÅretsFärja", "Årets Färja"),
    ],
)
def test_hashtags_are_split_at_capitals_of_any_alphabet(name: str, words: str) -> None:
    assert readable(name) == words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Wir haben die neue Fähre nach Kiel mit Brenda Fink gesehen", ["Kiel", "Brenda Fink"]),
        ("Für 500 Menschen gibt es auch keine Impfung im Hafen", ["500"]),
        ("Nous aimons l’Irlande et l'équipage", ["l’Irlande"]),
        ("Hoy es ¿Quién sabe? en Vigo", ["Vigo"]),
        ("港で「霧の朝」を６月18日に", ["霧の朝", "６", "18"]),
        ("#हिन्दी_दिवस १२", ["#हिन्दी_दिवस", "१२"]),
    ],
)
def test_facts_are_known_in_other_languages(text: str, found: list[str]) -> None:
    assert [fact.text for fact in facts(text)] == found


def test_figures_of_any_script_and_number_words_are_the_same() -> None:
    assert check("12 Leute, 3月, ٧", "zwölf Leute, ３月, 7").missing == ()
    assert check("on iki", "l'Irlande").added == ("l'Irlande",)
    assert check("pour l'Irlande", "Vive Irlande").missing == ()


@pytest.mark.parametrize(
    ("code", "words", "is_one"),
    [
        ("en", "talked talking", True),
        ("en", "library librarian", False),
        ("de", "häuser hauses", True),
        ("nb", "båten båter", True),
        ("fi", "taloissa talossa", True),  # Snowball knows it; nobody has made a table
        ("th", "เรือ เรือ", True),
        ("xx", "fogginess foggiest", True),  # unknown: by the first letters
        ("", "taxes taxing", False),
    ],
)
def test_forms_of_a_word_have_one_stem(code: str, words: str, is_one: bool) -> None:
    one, other = map(tongue(code).stem, words.split())
    assert (one == other) == is_one


def test_nouns_that_an_author_writes_are_no_names() -> None:
    wording = Wording.of(GERMAN)
    assert "gans" in wording.nouns and "fink" not in wording.nouns
    assert check("wir warten", "Wir warten, Gans und Kirkwall", wording.nouns).added == (
        "Kirkwall",
    )
    assert Wording.of(["The Goose of the Harbour, and the Fog of it."] * 3).nouns == frozenset()


def test_a_voice_of_two_languages_notes_each_by_its_own_small_words() -> None:
    wording = Wording.of([*GERMAN, *ENGLISH])
    assert set(wording.languages) == {"de", "en"}
    assert notes_of("Die Fähre fährt heute nicht und die Stadt schläft.", wording, 0.0) == (
        "Fähre fährt heute nicht Stadt schläft"
    )
    assert notes_of("The ferry does not sail and the town is asleep.", wording, 0.0) == (
        "ferry not sail town asleep"
    )


ENGLISH = [
    "The ferry was half an hour late today because of the fog in the harbour.",
    "Nobody is in the harbour, and the ferry waits in the fog.",
    "On Monday the ferry will not leave the harbour at all, said the town.",
]
OTHERWISE = "The ferry does not sail today, and the whole town is asleep."
GERMAN_TEXT = "Heute fährt die Fähre nicht, und die ganze Stadt schläft."


@pytest.mark.parametrize(
    ("request_", "posts", "first"),
    [
        (Request("x", 2, style=Style(language="de")), [*GERMAN, *ENGLISH], GERMAN_TEXT),
        (Request("x", 2, style=Style(language="en")), [*GERMAN, *ENGLISH], OTHERWISE),
        (Request(None, 2, notes="die Fähre fährt nicht"), [*GERMAN, *ENGLISH], GERMAN_TEXT),
        (Request("x", 2), GERMAN, GERMAN_TEXT),
        (Request("x", 2), ENGLISH, OTHERWISE),
    ],
    ids=["named de", "named en", "as the notes", "a German", "an English voice"],
)
def test_what_is_drawn_in_another_language_comes_last(
    request_: Request, posts: list[str], first: str
) -> None:
    texts = [Candidate(t, len(t)) for t in sorted({OTHERWISE, GERMAN_TEXT} - {first})]
    drawn = Drawn(request_, [*texts, Candidate(first, len(first))], [], [], Wording.of(posts))
    assert drawn.missing(2) == (2 if request_.notes else 1), "more is drawn for it"
    assert drawn.choose(None, random.Random(0))[0].text == first


def test_a_language_that_the_author_never_wrote_is_not_waited_for() -> None:
    asked = Request("x", 1, style=Style(language="fi"))
    drawn = Drawn(asked, [Candidate(OTHERWISE, 9)], [], [], Wording.of(ENGLISH))
    assert drawn.missing(1) == 0


def test_short_and_doubtful_texts_are_in_any_language() -> None:
    assert not is_in_another("Oh no!", "de")
    assert not is_in_another(OTHERWISE, "en")
    assert is_in_another(OTHERWISE, "de")
    assert main_languages([]) == () == NO_WORDING.languages


def test_the_tables_hold_nothing_that_nobody_reads() -> None:
    tables = tomllib.loads(Path("bot/voice/tongues.toml").read_text("utf-8"))
    read = {"no", "who", "small", "numbers", "and", "at", "spelled", "endings", "links", "elided"}
    read |= {"light", "connectives", "has_endings", "says_no_twice", "determiners", "nouns"}
    assert {name for table in tables.values() for name in table} == read
    assert all(table["who"] == table["who"].lower() for table in tables.values())
