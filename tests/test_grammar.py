"""Texts drawn by a grammar say what the notes say, whatever voice draws them."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.voice import PromptParts, Voice
from bot.voice.grammar import grammar_of
from bot.voice.marks import Marks
from bot.voice.notes import NO_WORDING, Wording, notes_of
from bot.writing.composing import OpenVoice, Request, compose
from bot.writing.engine import Engine
from bot.writing.llm import LLM
from bot.writing.screen import Rules
from bot.writing.thread import status_length
from tests.fakes.adapter import write_local_voices
from tests.fakes.llm import FakeLLM
from tests.fakes.voice import write_voice
from trainer.judging.fidelity import is_all_and_only

NOWHERE = "http://127.0.0.1:9/v1"  # what is not the engine's goes there
ENGLISH, GERMAN = Wording(("en",)), Wording(("de",))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def llm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LLM]:
    """A port to the embedded engine, which has a voice that writes nonsense."""
    folder = write_voice(tmp_path_factory.mktemp("grammar") / "voices" / "mara")
    async with Engine(write_local_voices(folder, mara=30.0), servers=1) as engine:
        llm = LLM(NOWHERE, "none", engine=engine.ready)
        yield llm
        await llm.close()


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    folder = write_voice(tmp_path_factory.mktemp("voice") / "voices" / "mara")
    return Voice.load(write_local_voices(folder, mara=30.0) / "mara").colder()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("notes", "wording"),
    [
        ("things learned:\n1. never book room B\n2. meetings run over", ENGLISH),
        ("selling:\nkids bike 20 inch, €45\nski boots size 38, €30", ENGLISH),
        ("rye, cheese scones (sat only), the cake (Ann's, w/o nuts) is late", ENGLISH),
        ("frost -3 °C overnight, lost 40 seedlings, 9-6, 2.50 at 7:52", ENGLISH),
        ("Is it late? Mum ok? I'll go to bed, and Tom and Ann wait. Who knows?", ENGLISH),
        ("We did not sell it. I'd wait w/o a coat, it isn't cold", ENGLISH),
        (
            'she said "bring a cake" and \\o/ at https://a.example/x?y=1, 3 left, @ann #SaveIt',
            ENGLISH,
        ),
        ("Fähre 45 Minuten zu spät; niemand war böse", GERMAN),
        ("貓坐在 3 號車廂，沒有人生氣。", NO_WORDING),
        ("3月から日曜も開館。https://a.example/x", Wording(("ja",))),
        ("الحافلة 14 تأخرت، لا أحد غاضب", NO_WORDING),
    ],
    ids=[
        "a list",
        "for sale",
        "brackets",
        "figures",
        "questions",
        "noes",
        "marks",
        "German",
        "Chinese",
        "Japanese",
        "Arabic",
    ],
)
async def test_what_is_drawn_by_a_grammar_says_all_and_only_the_notes(
    llm: LLM, voice: Voice, notes: str, wording: Wording
) -> None:
    messages = voice.messages(PromptParts(notes=notes_of(notes, wording)))
    texts = await llm.complete(voice, messages, 2, grammar_of(notes, wording))
    assert texts and all(is_all_and_only(text, notes, wording) for text in texts), texts


@pytest.mark.asyncio(loop_scope="module")
async def test_without_a_grammar_that_voice_says_something_else(llm: LLM, voice: Voice) -> None:
    messages = voice.messages(PromptParts(notes="ferry late; captain sorry"))
    texts = await llm.complete(voice, messages, 2)
    assert not any(is_all_and_only(text, "ferry late; captain sorry", ENGLISH) for text in texts)


def test_an_authors_own_spellings_may_stand_for_words() -> None:
    writes = Wording(("en",), usual=frozenset({"yr", "won't", "i've"}))
    grammar = grammar_of("we will not wait a year, I have two weeks", writes) or ""
    for form in ('"year"', '"yr"', '"won\'t"', '"I\'ve"', '"two"', '"Two"'):
        assert (form in grammar) is (form != '"Two"'), form
    assert '"wks"' not in grammar, "never written so"
    assert '"w0"' not in grammar


def test_words_may_be_as_loud_as_their_author_is() -> None:
    posts = ["LIVE NOW: the ferry, it is NOT late", "LIVE: join US at IT NOW", "LIVE! NOT now"] * 3
    grammar = grammar_of("live; it is not late, join us now at the ferry", Wording.of(posts)) or ""
    for form in ("LIVE", "NOT", "NOW"):
        assert f'"{form}"' in grammar
    for form in ("FERRY", "US", "IT", "LATE"):
        assert f'"{form}"' not in grammar


def test_nothing_is_glued_to_a_link() -> None:
    grammar = grammar_of("trailer here; https://a.example/?b; more; @ann", ENGLISH) or ""
    for rule in ('"here" spaced w2', '"https://a.example/?b" (gap | wide) w3', '"more" spaced w4'):
        assert rule in grammar


@pytest.mark.parametrize("given", ["", "?!", "🎉"])
def test_notes_without_words_have_no_grammar(given: str) -> None:
    assert grammar_of(given, ENGLISH) is None


def test_a_question_mark_stands_where_one_was_given() -> None:
    grammar = grammar_of("gloves? water, is it https://a.example/?b", ENGLISH) or ""
    assert '"gloves" asked w1' in grammar
    assert grammar.count("asked w") == grammar.count("asked w1"), "an address asks nothing"


def test_marks_and_figures_that_an_author_never_writes_are_none_of_theirs() -> None:
    by_sound = Wording(("en",), frozenset({"2get"}), marks=Marks(semicolons=True))
    theirs, others = (grammar_of("time to sail; to 12 of us", w) or "" for w in (by_sound, ENGLISH))
    assert ('"2sail"' in theirs, '"2sail"' in others) == (True, False)
    assert ('";"' in theirs, '";"' in others) == (True, False)
    assert '"212"' not in theirs
    assert " close" not in theirs.partition("w0 ::=")[2], "a Chinese full stop"


@pytest.mark.asyncio
@pytest.mark.parametrize("is_engine", [True, False], ids=["engine", "another server"])
async def test_only_the_engine_draws_by_a_grammar_and_at_first_a_quarter(
    tmp_path: Path, *, is_engine: bool
) -> None:
    folder = write_voice(tmp_path / "voices" / "mara")
    opened = OpenVoice.load(write_local_voices(folder, mara=0.0) / "mara")
    request = Request(None, 4, notes="ferry late, captain sorry")
    async with FakeLLM() as server:

        async def engine() -> str:
            return server.url

        llm = LLM(NOWHERE, "none", engine=engine) if is_engine else LLM(server.url, "none")
        rules = Rules(500, status_length, opened.known_posts)
        wanted = grammar_of("ferry late, captain sorry", opened.wording) if is_engine else ""
        try:
            await compose(llm, opened, request, rules)
            asked = sorted((a.get("grammar", ""), a["n"]) for a in server.asked)
            first = [("", 3), (wanted, 1)] if is_engine else [("", 4)]
            assert asked == [*first, (wanted, 4), (wanted, 4), (wanted, 4)]
            server.asked.clear()
            server.texts = itertools.cycle(["Ferry late/captain sorry", "Ferry late", "Fog", "Tea"])
            shown = await compose(llm, opened, request, rules)
            assert shown[0].text == "Ferry late/captain sorry"
            assert len(server.asked) == len(first), "a free text says it"
            server.asked.clear()
            await compose(llm, opened, replace(request, instruction="as a limerick"), rules)
            assert not any("grammar" in asked for asked in server.asked), "it asks for other words"
        finally:
            await llm.close()


@pytest.mark.asyncio
async def test_a_server_that_takes_no_grammar_draws_without_it(tmp_path: Path) -> None:
    folder = write_local_voices(write_voice(tmp_path / "voices" / "mara"), mara=0.0) / "mara"
    voice = Voice.load(folder)
    async with FakeLLM() as server:
        server.failures = [(400, {})]
        llm = LLM(server.url, "none")
        try:
            messages = voice.messages(PromptParts(notes="tea"))
            for _ in range(2):
                assert await llm.complete(voice, messages, 1, grammar_of("tea"))
        finally:
            await llm.close()
        assert ["grammar" in asked for asked in server.asked] == [True, False, False]
        assert all("min_p" in asked for asked in server.asked)
