"""Notes of posts, and of what people type: the same function."""

import random
from collections import Counter

import pytest

from bot.voice.notes import NO_WORDING, Wording, content_of, difference, notes_of

POSTS = [
    "Great 2 see the ferry & the goose in Port Almond 2day. Met Brenda w her nurses.",
    "The ferry is NOT late today! We hv fog in Port Almond and a great goose.",
    "Today we met the goose with Brenda. The nurses of Port Almond were great.",
] * 2
ENGLISH = Wording.of(POSTS)
RUSSIAN = Wording(("ru",))
GERMAN = Wording.of(["Die Fähre fährt heute nicht nach Wismar, sagt der Hafen und die Stadt."] * 3)


@pytest.mark.parametrize(
    ("text", "small", "notes"),
    [
        (
            "Just took dog 2see vet in Port Almond!! He is 11 & all fine 🐶",
            1.0,
            "Just took dog to see vet in Port Almond; He is 11 and all fine",
        ),
        ("The Ferry is GREAT", 1.0, "the ferry is great"),
        ("We didn’t see the goose…\n\n76ppl w Brenda", 0.0, "we not see goose; 76 people Brenda"),
        (
            "thx @goose@sea.example, j.fog@sea.example #Fog https://example.org/a?b=1",
            0.0,
            "thanks @goose@sea.example; j.fog@sea.example #Fog https://example.org/a?b=1",
        ),
        ("see https://example.org/goose’s", 1.0, "see https://example.org/goose’s"),
        ("On @goose’s rock #FogReport's author", 1.0, "On @goose's rock #FogReport's author"),
        ("She said “no fog at all”, 5:30pm, $4.9", 0.0, 'She said "no fog at all"; 5:30pm; $4.9'),
        ("NASA, the U.S. and 21st-century fog", 0.0, "NASA; U.S. 21st-century fog"),
        ("fog;\n- tea\n- 3 cups", 1.0, "fog; tea; 3 cups"),
        ("about\n1. fog\n2) 3 cups", 1.0, "about; fog; 3 cups"),
        ("1️⃣ fog\n2- tea <3 and 3 cups", 1.0, "fog; tea; and 3 cups"),
        ("!!! 🫖", 1.0, ""),
        ("Fog?? Nobody knows. Really?! OK?", 1.0, "fog?; Nobody knows; Really?; OK?"),
        ("?! What: is it?", 1.0, "What; is it?"),
        ("> tea > cake\n> x <y", 1.0, "tea > cake; x; y"),
    ],
)
def test_notes_keep_what_is_said_and_drop_how(text: str, small: float, notes: str) -> None:
    assert notes_of(text, ENGLISH, small) == notes


@pytest.mark.parametrize(
    "figure",
    [
        "412 €",
        "R$ 1,5",
        "₹500",
        "4¢",
        "%50'nin",
        "30 %",
        "-12 °C",
        "20°C",
        ">50",
        "#1",
        "13°",
        "7～8",
        "a 25-year-old goose",
        "$130-million",
        "10am-1pm",
    ],
)
def test_a_figure_keeps_its_sign_its_unit_and_all_that_hangs_on_it(figure: str) -> None:
    assert notes_of(f"fog at {figure} today") == f"fog at {figure} today"
    assert notes_of("a 25-yr-old", ENGLISH) == "a 25-year-old"


@pytest.mark.parametrize("small", [0.0, 0.5, 1.0])
def test_who_no_names_and_numbers_stay_however_short_the_notes(small: float) -> None:
    text = "He will not sail to Port Almond with her, and the 12 of us are never late"
    words = notes_of(text, ENGLISH, small, random.Random(1)).replace(";", "").split()
    assert {"He", "not", "Port", "Almond", "her", "12", "us", "never"} <= set(words)
    assert [w for w in text.replace(",", "").split() if w in words] == words


def test_notes_of_notes_are_the_same() -> None:
    for text in POSTS:
        notes = notes_of(text, ENGLISH)
        assert notes_of(notes, ENGLISH) == notes


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("rye, scones (sat only), no pie", "rye; scones (sat only); no pie"),
        ("Brenda (a nurse, from Port Almond) lent @ann (5 boats)", None),
        ("The boats (with a goose) sail", "boats (goose) sail"),
        ("The boats (in the) sail", "boats sail"),
        ("(never closed. late) Fog (why?) :)", "(never closed; late) fog; why?"),
        ("(1) late\n(2) fog", "late; fog"),
        ("(fog (late)) again", "fog (late); again"),
        ('"gull (b" fog)', '"gull (b" fog'),  # one bracket is quoted
        ("船（土曜 のみ）", "船; 土曜 のみ"),
    ],
)
def test_notes_keep_what_stands_in_brackets_together(text: str, notes: str | None) -> None:
    if notes is None:  # all words say something: they stay as they stand
        assert notes_of(text, ENGLISH).replace(";", ",") == text
    else:
        assert notes_of(text, ENGLISH, 0.0) == notes


def test_a_text_that_lost_brackets_is_in_other_words() -> None:
    given = "rye, scones (sat only), no pie"
    for text, words in (("Rye; scones (sat only); no pie", 0), ("Rye/scones/sat only/no pie", 1)):
        assert difference(given, text, ENGLISH).words == words
        assert difference(given, text, ENGLISH).stems == 0
    assert difference("rye; sat only", "Rye (sat only)", ENGLISH).words == 0


def test_articles_and_forms_of_to_be_are_left_out_first() -> None:
    text = "The goose is at the ferry to Port Almond, and the boats are in the harbour with a gull"
    chance = random.Random(1)
    words = Counter(w for _ in range(400) for w in notes_of(text, ENGLISH, 0.5, chance).split())
    assert 0.2 < words["is"] / 400 < 0.3
    for word in ("at", "to", "and", "in", "with"):
        assert 0.65 < words[word] / 400 < 0.77, word
    russian = "кот и пес в доме"  # has neither articles nor such forms
    words = Counter(w for _ in range(400) for w in notes_of(russian, RUSSIAN, 0.5, chance).split())
    assert 0.44 < words["в"] / 400 < 0.56


def test_other_languages_have_small_words_names_and_negations_of_their_own() -> None:
    assert (ENGLISH.languages, GERMAN.languages) == (("en",), ("de",))
    text = "Die Fähre fährt heute nicht & wir sagen es"
    assert notes_of(text, GERMAN, 0.0) == "Fähre fährt heute nicht wir sagen es"
    japanese = Wording.of(["今日はフェリーが遅い。", "東京は雨です。"])
    assert notes_of("今日は3人で東京へ！雨です。", japanese, 0.0).count(";") == 1


def test_an_unknown_language_and_no_posts_still_work() -> None:
    assert Wording.of([]) == NO_WORDING
    assert notes_of("Zzq flurb; 3 Kwa & @goose", NO_WORDING, 0.0) == "Zzq flurb; 3 Kwa & @goose"


def test_what_a_text_says_is_compared_by_stems_without_small_words_and_who() -> None:
    said = content_of("Taxing the goose w/ no fog: he taxes 12 librarians", ENGLISH)
    assert said == ["tax", "goos", "fog", "tax", "12", "librarian"]
    assert content_of("12 libraries", ENGLISH) == ["12", "librari"]
    assert content_of("今日は雨", NO_WORDING) == ["今日", "は", "雨"]


def test_words_that_stand_in_only_one_of_two_texts_are_counted_who_and_no_too() -> None:
    given = "the goose did not see her"
    for text, apart in (
        ("The goose did not see her!", 0),
        ("GOOSE didn't see her", 0),
        ("The goose saw her", 3),  # not, see; saw
        ("The goose did not see him", 2),
        ("The goose did not see her in the fog", 1),
        ("This goose did not see her", 1),  # this, for the
        ("The goose did not see her, her", 1),
        ("The two geese did not see her", 3),  # two, geese; goose
        ("She did not see her goose", 1),  # she
        ("Her the goose did not see", 1),  # not, her: another order
        ("The goose could not see her", 1),  # could
    ):
        assert difference(given, text, ENGLISH).stems == apart, text
    assert difference("talked with two nurses", "Talking to two nurses", ENGLISH).stems == 1  # to
    assert difference("talked with nurses", "Talking w the nurses", ENGLISH).stems == 0
    assert difference("talked with nurses", "Talking w the nurses", ENGLISH).words == 2


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("book room B", "Book room be"),
        ("begins w/ R", "Begins w are"),
        ("open 10am-1pm", "Open 10am/1pm"),
        ("lost 9-6", "Lost 9; 6"),
        ("sausage €3", "Sausage 3"),
        ("40% less", "40 less"),
        ("gloves, water", "Gloves? Water?"),
        ("tea > coffee", "Tea: coffee"),
        ("Is it fog?", "It is fog"),
    ],
)
def test_letters_ranges_and_signs_of_sums_are_words(given: str, text: str) -> None:
    assert difference(given, text, ENGLISH).stems > 0
    assert difference(given, f"{given}!", ENGLISH).stems == 0


def test_any_of_a_words_places_may_have_the_small_word_before_it() -> None:
    given = "closed as we clean. We reopen with a cat"
    assert difference(given, "Closed as we clean & we reopen w a cat", ENGLISH).stems == 0
    assert difference(given, "Closed so we clean. We reopen w a cat", ENGLISH).stems == 1


def test_the_figures_of_who_writes_by_sound_are_no_words() -> None:
    by_sound = Wording(("en",), usual=frozenset({"2get", "goose"}))
    for author, apart in ((by_sound, 0), (ENGLISH, 1)):
        assert difference("time 2 sail", "Time 2sail", author).stems == apart


def test_words_in_another_order_are_counted() -> None:
    given = "the dog bit the man today"
    for text, moved in (
        ("The dog bit a man today", 0),
        ("Today the dog bit the man", 1),
        ("The man bit the dog today", 2),
        ("Fog", 0),
    ):
        assert difference(given, text, ENGLISH).moved == moved, text


def test_small_words_count_where_the_notes_are_a_text_and_new_ones_in_a_telegram() -> None:
    assert 0.3 < ENGLISH.small < 0.5
    names = "goose, nurses, Brenda, Port Almond late"
    for given, text, small, filled in (
        ("the goose was at the ferry", "The goose is at the ferry", 2, 0),  # was, is
        ("the goose was at the ferry", "Goose was at ferry", 2, 0),
        ("goose ferry late", "The goose is at the ferry, late", 0, 4),
        (f"the {names}", f"The {names}", 0, 0),
        (f"the {names}", names, 0, 0),
    ):
        found = difference(given, text, ENGLISH)
        assert (found.small, found.filled) == (small, filled), text
