"""What notes set apart, a text may not join by small words; marks and "and" join nothing."""

import random

import pytest

from bot.draft import Candidate
from bot.voice.joined import joined
from bot.voice.notes import Wording
from bot.writing.composing import Drawn, Request

ENGLISH, GERMAN = Wording(("en",)), Wording(("de",))


@pytest.mark.parametrize(
    ("notes", "text", "count"),
    [
        ("ferry late, goose aboard", "Ferry late, goose aboard!", 0),
        ("ferry late, goose aboard", "ferry late & the goose aboard", 0),
        ("ferry late, goose aboard", "Ferry is late. A goose is aboard", 0),
        ("ferry late, goose aboard", "Ferry late goose aboard", 0),
        ("ferry late, goose aboard", "Ferry late for goose aboard", 1),
        ("ferry late; goose aboard; no fog", "Ferry late w goose aboard is no fog", 2),
        ("ferry late; the goose is at home", "Ferry late/the goose is at home", 0),
        ("ferry late; the goose is at home", "Ferry late the goose is at home", 0),
        ("ferry late; the goose is at home", "Ferry late as the goose is home", 1),
        ("talked about\n1. tides\n2. ropes\n3. pay", "Talked about tides, ropes and pay", 0),
        ("talked about\n1. tides\n2. ropes\n3. pay", "Talked about tides at ropes for pay", 2),
        ("ferry late; goose aboard", "Goose aboard, so the ferry late", 0),  # another order
        ("ferry late; goose aboard", "Ferry late = goose aboard", 1),
        ("ferry late = goose aboard", "Ferry late = goose aboard", 0),
        ("ferry late; goose aboard", "Ferry late 2 goose aboard", 1),
        ("ferry late; 2 geese aboard", "Ferry late 2 geese aboard", 0),
        ("the ferry was late for the goose", "The ferry was late for the goose", 0),
        ("", "Ferry late", 0),
        (";;", "Ferry; late", 0),
    ],
)
def test_what_stands_apart_in_notes_is_joined_by_small_words_of_the_texts_own(
    notes: str, text: str, count: int
) -> None:
    assert len(joined(notes, text, ENGLISH)) == count


@pytest.mark.parametrize(
    ("text", "count"), [("Fähre spät und Gans daheim", 0), ("Fähre spät bei Gans daheim", 1)]
)
def test_other_languages_have_their_own_small_words(text: str, count: int) -> None:
    assert len(joined("Fähre spät; Gans daheim", text, GERMAN)) == count


@pytest.mark.parametrize(
    ("notes", "worse", "better"),
    [
        (
            "talked about: tides, ropes, pay",
            "Talked about tides at ropes for pay",
            "Talked about tides/ropes + pay",
        ),
        ("to bring: tea, rope", "To bring? Tea? Rope?", "To bring? Tea, rope"),
        ("the goose bit the nurse", "The nurse bit the goose", "A goose bit the nurse"),
        (
            "lent me his rope after my tea",
            "Lent me my rope after his tea",
            "Lent me his rope, my tea",
        ),
        ("there will be tea", "There would be tea", "There will be tea"),
        ("I think it was the goose", "I think it’s the goose", "I think it was the goose"),
        (
            "no tea left sorry, the goose",
            "No tea left to sorry/the goose",
            "No tea left sorry/the goose",
        ),
    ],
)
def test_a_text_that_says_something_else_is_shown_later(
    notes: str, worse: str, better: str
) -> None:
    candidates = [Candidate(text, len(text)) for text in (worse, better)]
    drawn = Drawn(Request(None, 2, notes=notes), candidates, [], [], ENGLISH)
    shown = [candidate.text for candidate in drawn.choose(None, random.Random(0))]
    assert shown == [better, worse]
