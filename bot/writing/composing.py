"""From a voice and a topic to candidates: draw texts, screen them, choose which to show.

`/draft` shows them, `bot draft` prints them, and the trainer judges them.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import structlog

from bot import metrics
from bot.draft import Candidate, Network, Style
from bot.errors import Refused, Unavailable, UserError
from bot.sentences import Words, say
from bot.voice import Message, PromptParts, Voice, load_posts
from bot.voice.copies import words_of
from bot.voice.facts import check, facts
from bot.voice.grammar import grammar_of
from bot.voice.joined import joined
from bot.voice.notes import NO_WORDING, Wording, difference, notes_of
from bot.voice.others import Others
from bot.voice.ranker import Ranker
from bot.voice.tongues import detect, is_in_another, normal_code
from bot.writing.llm import LLM
from bot.writing.screen import REPEATED, KnownPosts, Rejected, Rules, screen

log = structlog.stdlib.get_logger(__name__)

_T = TypeVar("_T")

ACCOUNTS_OWN = Style()
AT_ONCE = 4  # texts a request: llama.cpp refuses more than it has slots
TO_CHOOSE_FROM = (
    8  # texts a draft, or two for each candidate: sixteen chose no better (experiments/LOG.md)
)
TO_PLEASE = 16  # or four for each, if there is a taste: texts that somebody likes are rare
HELD = 0.25  # of the first texts from notes: by a grammar of these (experiments/LOG.md)
ENOUGH_BY_NOTES = 2  # different ones, of those drawn at once
DRAWN_AT_MOST = 16  # or four for each, or twice as many as wanted, if too few pass the screen


@dataclass(frozen=True, slots=True)
class OpenVoice:
    """A voice ready to write, with its archive and its topics, the commonest first."""

    voice: Voice
    topics: dict[str, int]  # and how many posts are about each
    days: dict[str, dict[str, str]]  # "MM-DD" -> topics of posts on that day, and the last year
    known_posts: KnownPosts
    ranker: Ranker | None = None  # voices at a provider, and those of before, have none
    wording: Wording = NO_WORDING

    @classmethod
    def load(cls, folder: Path) -> "OpenVoice":
        """Read a voice folder. Raises VoiceError."""
        voice, posts = Voice.load(folder), load_posts(folder)
        counts = Counter(topic for post in posts for topic in post.topics)
        days = defaultdict[str, dict[str, str]](dict)
        for post in posts:  # oldest first
            if post.created_at:
                year, day = post.created_at[:4], post.created_at[5:10]
                days[day].update(dict.fromkeys(post.topics, year))
        return cls(
            voice,
            dict(counts.most_common()),
            dict(days),
            KnownPosts((post.text for post in posts), Others.load(folder)),
            Ranker.load(folder),
            Wording.of(post.text for post in posts),
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a draft, without its owner."""

    topic: str | None
    count: int  # of candidates
    instruction: str | None = None  # the wish besides the topic
    taken: Sequence[str] = ()  # texts shown already
    voice: str | None = None  # its name; None means the one that person uses
    style: Style = ACCOUNTS_OWN  # how the status is to be posted
    notes: str | None = None  # what it is to say, in any rough form
    networks: tuple[Network, ...] = ()  # where it is to go; none: where its owner's drafts go

    @property
    def given(self) -> str:
        """All that its owner typed."""
        return "\n".join(filter(None, (self.topic, self.notes, self.instruction)))

    def grammar(self, wording: Wording) -> str | None:
        """That of texts which say all and only this; a wish asks for other words, and has none."""
        if not self.notes or self.instruction:
            return None
        return grammar_of(self.given, wording)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The drawn texts: those that may be shown, and why the rest may not."""

    request: Request
    short: list[Candidate]
    threads: list[Candidate]  # too long for one status
    dropped: list[Rejected]
    wording: Wording = NO_WORDING
    untruths: dict[str, tuple[int, ...]] = field(default_factory=dict)  # of each text, once weighed

    def take(self, texts: Sequence[str], rules: Rules) -> None:
        """Take the texts that pass the screen, with the marks of their author's device."""
        marked = [self.wording.marks.set_in(text) for text in texts]
        known = [*self.request.taken, *(candidate.text for candidate in self.threads)]
        passed, failed = screen(marked, self.request.given, rules, known)
        self.dropped.extend(failed)
        self.threads.extend(candidate for candidate in passed if candidate.parts)
        for candidate in passed:
            if not candidate.parts:
                self._keep(candidate)

    def _keep(self, candidate: Candidate) -> None:
        """Keep a short text; of two with the same words the truer one: $3 for €3, marks."""
        words = words_of(candidate.text)
        for i, other in enumerate(self.short):
            if words_of(other.text) == words:
                if self._untruth(candidate) < self._untruth(other):
                    self.short[i], candidate = candidate, other
                self.dropped.append(Rejected(candidate.text, REPEATED))
                return
        self.short.append(candidate)

    def missing(self, wanted: int) -> int:
        """How many texts to draw still.

        From notes two are enough if one says what they say, no more, no less; without such a one
        as many as are shown are drawn once more, by a grammar (experiments/LOG.md).
        """
        request = self.request
        language = wanted_language(request, self.wording)
        short = [c for c in self.short if not is_in_another(c.text, language)]
        if request.notes and any(map(self._is_true, short)):
            wanted = min(wanted, ENOUGH_BY_NOTES)
        elif request.notes and short:
            return request.count
        return wanted - len(short)

    def choose(self, ranker: Ranker | None, chance: random.Random) -> tuple[Candidate, ...]:
        """The texts to show, in their order; threads only if there are too few short ones.

        The truest to what was given come first, and of those as true the ranker chooses.
        """
        request, chosen = self.request, list[Candidate]()
        for alike in self._by_truth():
            wanted = request.count - len(chosen)
            if ranker and wanted > 0:
                texts = [candidate.text for candidate in alike]
                order = ranker.choose(texts, request.topic, wanted, chance)
                chosen += [alike[i] for i in order]
            else:
                chosen += alike
        return (*chosen, *self.threads)[: request.count]

    def _by_truth(self) -> Iterator[list[Candidate]]:
        """The short texts in groups, the truest to what was given first.

        Those in another language than is wanted come last. Fewest added facts come first, then
        fewest missing ones, then most of the same words, least joined, in the same order, with
        the small words of full notes and few new ones in telegrams; on a bare topic fewest made-up
        numbers. No post is as long as a text that comes last.
        """
        groups = defaultdict[tuple[int, ...], list[Candidate]](list)
        language, longest = wanted_language(self.request, self.wording), self.wording.marks.longest
        for candidate in self.short:
            is_long = longest is not None and len(candidate.text) > longest
            is_other = is_in_another(candidate.text, language)
            groups[(is_other, *self._untruth(candidate), is_long)].append(candidate)
        return (groups[key] for key in sorted(groups))

    @property
    def says_it(self) -> bool:
        """Whether one of the texts says what the notes say, in their words."""
        return any(self._is_true(candidate) for candidate in self.short)

    def _is_true(self, candidate: Candidate) -> bool:
        *amiss, _moved, words, small, _filled = self._untruth(candidate)
        return not any((*amiss, words, small))

    def _untruth(self, candidate: Candidate) -> tuple[int, ...]:
        text = candidate.text
        if text not in self.untruths:
            self.untruths[text] = _untruth(text, self.request, self.wording)
        return self.untruths[text]


@metrics.timed("compose")
async def compose(
    llm: LLM, opened: OpenVoice, request: Request, rules: Rules
) -> tuple[Candidate, ...]:
    """Draw candidates and choose as many as requested, in the order to show them.

    Raises UserError if none passed the screen, or the voice cannot write from notes.
    """
    if request.notes and not opened.voice.knows_notes:
        raise UserError(
            "The voice {voice} was trained before voices could write from notes. Train it again, or"
            " ask for a topic alone.",
            voice=opened.voice.name,
        )
    drawn = await draw(llm, opened, request, rules)
    if not drawn.short and not drawn.threads:
        raise UserError(
            "None of the texts could be offered ({reasons}). Try again, or try another topic.",
            reasons=_reasons(drawn.dropped),
        )
    return drawn.choose(opened.ranker, random.Random())  # noqa: S311 - no secret


async def draw(llm: LLM, opened: OpenVoice, request: Request, rules: Rules) -> Drawn:
    """Draw until enough short texts pass the screen, and more for a ranker to choose from."""
    drawn = Drawn(request, [], [], [], opened.wording)
    rules = replace(rules, prompt=opened.voice.prompt.system)
    notes = notes_of(request.notes, opened.wording) if request.notes else None
    messages = opened.voice.messages(PromptParts(request.topic, request.instruction, notes))
    # Who asks again wants something else: by the colder voice it would be the same again.
    voice = opened.voice.colder() if notes and not request.taken else opened.voice
    wanted = drawn_for(request.count, opened.ranker)
    left = max(DRAWN_AT_MOST, 4 * request.count, 2 * wanted)
    grammar = request.grammar(opened.wording) if llm.knows_grammar(voice) else None
    held = HELD
    while left > 0 and (missing := drawn.missing(wanted)) > 0:
        size = min(missing, left)
        left -= size
        by_grammar = round(held * size) if grammar else 0
        try:
            free, kept = await together(
                _several(llm, voice, messages, *todo)
                for todo in ((size - by_grammar, None), (by_grammar, grammar))
            )
        except (Unavailable, Refused) as e:
            if drawn.short:  # better those than none
                log.info("no more could be drawn", why=str(e))
                break
            raise
        drawn.take(free, rules)
        if kept and not drawn.says_it:  # a free text that does is nearer to its author
            drawn.take(kept, rules)
        if by_grammar and not kept:  # the notes are longer than a text may be
            grammar = None
        wanted, held = request.count, 1.0
    return drawn


def wanted_language(request: Request, wording: Wording) -> str | None:
    """The language that a text is to be in, of those its author writes; None if any will do.

    It is that of the status, else of the notes, else the author's only one.
    """
    known = wording.languages
    if request.style.language:
        wanted = normal_code(request.style.language)
    elif len(known) == 1:
        wanted = known[0]
    else:
        wanted = detect(request.notes)[0] if known and request.notes else ""
    return wanted if wanted in known else None


def _untruth(text: str, request: Request, wording: Wording) -> tuple[int, ...]:
    """What is amiss, the worst first; on a bare topic only numbers that nobody gave.

    To put strange names last as well made texts less like the author, and less often on their
    topic (experiments/LOG.md). They are marked all the same.
    """
    if not request.notes:
        added = check(request.given, text, wording.usual).added
        numbers = {fact.text for fact in facts(text) if fact.kind == "number"}
        return (len(numbers.intersection(added)),)
    found = check(request.given, text, wording.nouns, request.notes)
    apart = difference(request.given, text, wording)
    amiss = apart.stems + len(joined(request.given, text, wording))
    facts_amiss = len(found.put_in), len(found.left_out)
    return (*facts_amiss, amiss, apart.stems, apart.moved, apart.words, apart.small, apart.filled)


def drawn_for(count: int, ranker: Ranker | None) -> int:
    """How many texts are drawn for `count` candidates if all pass the screen."""
    if ranker is None:
        return count
    return max(TO_PLEASE, 4 * count) if ranker.taste else max(TO_CHOOSE_FROM, 2 * count)


async def _several(
    llm: LLM, voice: Voice, messages: Sequence[Message], count: int, grammar: str | None
) -> list[str]:
    """Draw `count` texts, in several requests side by side: a batch keeps the engine busiest."""
    sizes = [min(AT_ONCE, count - done) for done in range(0, count, AT_ONCE)]
    answers = await together(llm.complete(voice, messages, size, grammar) for size in sizes)
    return [text for answer in answers for text in answer]


async def together(todo: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Run all side by side; the first failure ends the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in todo]
    except ExceptionGroup as e:
        raise e.exceptions[0] from e
    return [task.result() for task in tasks]


def _reasons(dropped: Sequence[Rejected]) -> Words:
    """The reasons with their counts, most common first."""
    words = {r.reason.template: r.reason for r in dropped}
    reasons: Words | None = None
    for template, n in Counter(r.reason.template for r in dropped).most_common():
        one = say("{n}× {reason}", n=n, reason=words[template])
        reasons = say("{reasons}; {reason}", reasons=reasons, reason=one) if reasons else one
    return reasons or say("the model wrote nothing usable")
