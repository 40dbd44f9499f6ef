"""Of what was drawn, the texts that are truest to what was given are shown first."""

import random

import pytest

from bot.draft import Candidate
from bot.voice.marks import Marks
from bot.voice.notes import Wording
from bot.voice.ranker import Ranker
from bot.writing.composing import Drawn, Request
from bot.writing.screen import KnownPosts, Rules

WORDING = Wording(("en",), usual=frozenset({"port", "almond"}), marks=Marks(longest=80))
NOTES = "sailed to Port Almond; 12 of us, no fog"


def shown(texts: list[str], request: Request, ranker: Ranker | None = None) -> list[str]:
    candidates = [Candidate(text, len(text)) for text in texts]
    drawn = Drawn(request, candidates, [], [], WORDING)
    return [candidate.text for candidate in drawn.choose(ranker, random.Random(0))]


@pytest.mark.parametrize("ranker", [None, Ranker({"w goose": 9.0})], ids=["no ranker", "ranker"])
def test_what_adds_and_misses_nothing_comes_first_and_what_adds_last(ranker: Ranker | None) -> None:
    true = "12 of us sailed to Port Almond. No fog!"
    lost = "12 of us sailed to Port Almond"  # whether there was fog is not said
    missing = "We sailed to Port Almond, no fog"
    added = "12 of us sailed to Port Almond, no fog. A goose of Kirkwall"
    texts = [added, missing, lost, true]
    assert shown(texts, Request(None, 4, notes=NOTES), ranker) == [true, lost, missing, added]
    assert shown(texts, Request(None, 2, notes=NOTES), ranker) == [true, lost]


def test_of_two_forms_of_a_word_that_of_the_notes_comes_first() -> None:
    texts = ["Sailing to Port Almond.", "Sailed to Port Almond."]
    request, ranker = Request(None, 2, notes="sailed to Port Almond"), Ranker({"w sailing": 50.0})
    assert shown(texts, request, ranker) == texts[::-1]


def test_a_text_that_loses_a_no_comes_after_one_that_loses_other_words() -> None:
    texts = ["We did sail, and will not sail again", "We did not sail, will not"]
    request = Request(None, 2, notes="we did not sail and will not sail again")
    assert shown(texts, request) == texts[::-1]


def test_of_texts_as_true_the_ranker_chooses() -> None:
    texts = [
        "Sailing to Port Almond.",
        "Sailing to Port Almond!",
        "Sailing to Port Almond ...",
    ]
    request, ranker = Request(None, 1, notes="sailing to Port Almond"), Ranker({"w !": 50.0})
    assert shown(texts, request, ranker) == [texts[1]]


def test_of_texts_with_the_same_words_the_truer_is_kept() -> None:
    drawn = Drawn(Request(None, 2, notes="ticket €8, sausage €3. Fog"), [], [], [], WORDING)
    texts = ["Ticket $8, sausage $3. Fog", "Ticket €8/sausage €3/fog", "Ticket €8. Sausage 3. Fog"]
    rules = Rules(500, len, KnownPosts([]))
    for text in texts:
        drawn.take([text], rules)
    assert [candidate.text for candidate in drawn.short] == [texts[1]]
    assert [rejected.text for rejected in drawn.dropped] == [texts[0], texts[2]]


@pytest.mark.parametrize(
    ("texts", "more"),
    [
        (["Set alarm, going out", "Fog"], 0),
        (["Sets alarm, going out"], 2),
        (["Going out, set alarm"], 0),
    ],
    ids=["true", "another form", "another order"],
)
def test_from_notes_no_more_is_drawn_if_one_text_has_their_words(
    texts: list[str], more: int
) -> None:
    candidates = [Candidate(text, len(text)) for text in texts]
    drawn = Drawn(Request(None, 2, notes="set alarm; going out"), candidates, [], [], WORDING)
    assert drawn.missing(8) == (more or 2 - len(texts))


def test_on_a_bare_topic_numbers_that_nobody_gave_come_last() -> None:
    named = "The ferry is off to Kirkwall and Brenda"
    texts = ["Ferry: 4 hours late, 5 tomorrow", "Ferry: 4 hours late", named]
    assert shown(texts, Request("ferry", 3)) == [named, texts[1], texts[0]]
    assert shown(texts, Request("ferry at 4", 3)) == [texts[1], named, texts[0]]


def test_a_text_longer_than_any_post_comes_after_the_others() -> None:
    texts = ["The ferry is late and " * 4, "The ferry is late"]
    assert shown(texts, Request("ferry", 2)) == texts[::-1]
