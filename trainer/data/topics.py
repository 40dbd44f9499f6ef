"""Finds the topics of a post for its prompt, without any model.

Layers, in this order: the hashtags and mentions that the archive or the text marks; names that a
recogniser found (tweetnlp.py); capitalised spans, filtered by how this author writes the same
words elsewhere; if all these find nothing, one telling phrase. A post may have no topic.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from bot.voice.words import MARKS, is_lettered, is_spaceless
from trainer.data.tokens import CACHED, ENGLISH, Speech, Word, is_dull, readable, words

TopicSource = Literal["hashtag", "mention", "ner", "capitalised", "phrase"]

MOST = 4  # topics a post: with more, the prompt would give the post away
LONGEST_TOPIC = 50  # characters of a topic
SAMPLE = 10_000  # posts: enough to know how an author writes; memory must not grow with more
MOST_PAIRS = 200_000  # kept in memory while learning; the rare ones are forgotten first
COMMON_SHARE = 0.3  # a name is written in lower case less often than this
SHOUTED_SHARE = 0.6  # of long words with a capital: a headline, whose capitals say nothing
_EVERYWHERE = 0.1  # of the posts: such a word is no telling phrase
FEW = 5  # posts: they say nothing about how common a word is

_HASHTAG = re.compile(rf"(?<![\w&])[#＃](\w*[^\W\d_][\w{MARKS}]*)")
_MENTION = re.compile(r"(?<![\w@/.])@(\w{2,30})")
_NATIONAL = re.compile(r"(?:ican|ian|ish|ese)$")
_SYMBOLS = re.compile(rf"[^\w{MARKS}\s.'’&-]+")


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject of a post, and which layer found it."""

    text: str
    source: TopicSource


@dataclass(slots=True)
class Vocabulary:
    """How an author writes: the archive's own statistics."""

    speech: Speech = ENGLISH
    posts: int = 0
    lower: Counter[str] = field(default_factory=Counter)  # a word, written in lower case
    capital: Counter[str] = field(default_factory=Counter)  # …with a capital inside of a sentence
    holding: Counter[str] = field(default_factory=Counter)  # posts that hold the word
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)  # posts that hold both, joined

    def is_common(self, lower: str) -> bool:
        """Whether the author writes this word in lower case as a rule."""
        small = self.lower[lower]
        return small > COMMON_SHARE * (small + self.capital[lower])

    def is_name(self, lower: str) -> bool:
        """Whether the author capitalises this word even inside of a sentence."""
        return self.capital[lower] > 0 and not self.is_common(lower)


def learn_habits(texts: Iterable[str], languages: Sequence[str] = ()) -> Vocabulary:
    """Count how the words of an archive in these languages are written."""
    habits = Vocabulary(Speech.of(languages))
    stop = habits.speech.stop
    for text in texts:
        found = words(text, habits.speech)
        habits.posts += 1
        habits.holding.update({w.lower for w in found})
        habits.pairs.update(set(_pairs(found, stop)))
        habits.lower.update(w.lower for w in found if not w.is_capital)
        if not _is_headline(found):
            habits.capital.update(w.lower for w in found if w.is_capital and not w.is_first)
        if len(habits.pairs) > MOST_PAIRS:
            habits.pairs = _recurring(habits.pairs)
    habits.pairs = _recurring(habits.pairs)
    return habits


def find_topics(
    text: str, tags: Sequence[str], names: Sequence[str], habits: Vocabulary
) -> list[Topic]:
    """Find a post's topics. `tags` are the archive's marks, `names` what a recogniser found."""
    found, speech = words(text, habits.speech), habits.speech
    layers: list[tuple[TopicSource, Iterable[str]]] = [
        ("hashtag", _hashtags(text, tags)),
        ("mention", _mentions(text, tags)),
        ("ner", map(_trimmed, names)),
        ("capitalised", _capitalised(found, habits)),
    ]
    topics: list[Topic] = []
    for source, candidates in layers:
        for candidate in candidates:
            is_new = len(topics) < MOST and not _is_known(candidate, topics)
            if is_new and _is_sensible(candidate, speech):
                topics.append(Topic(candidate, source))
    if not topics and (phrase := _phrase(found, habits)):
        topics.append(Topic(phrase, "phrase"))
    return topics


def _hashtags(text: str, tags: Sequence[str]) -> Iterator[str]:
    marked = [t[1:] for t in tags if t.startswith("#")]
    written = _HASHTAG.findall(text) if "#" in text or "＃" in text else []
    for name in dict.fromkeys([*marked, *written]):
        yield readable(name)


def _mentions(text: str, tags: Sequence[str]) -> Iterator[str]:
    """Names of the accounts in the text: as the archive shows them, else from their handles."""
    if "@" not in text:
        return
    marked = [t[1:].partition(" ") for t in tags if t.startswith("@")]
    shown = {handle.casefold(): name for handle, _, name in marked}
    for handle in dict.fromkeys(_MENTION.findall(text)):
        name = _trimmed(shown.get(handle.casefold(), handle))
        yield name if name != handle else readable(handle.rstrip("_0123456789"))


def _trimmed(name: str) -> str:
    return " ".join(_SYMBOLS.sub(" ", name).split())


@lru_cache(maxsize=CACHED)
def _is_sensible(topic: str, speech: Speech) -> bool:
    """Whether a person could request it: letters, not too long, no weekday, no bare title."""
    lower = topic.casefold()
    letters = sum(c.isalpha() for c in topic)
    if letters < 2 or len(topic) > LONGEST_TOPIC:
        return False
    is_bare = lower in speech.calendar or lower in speech.titles
    return not (is_bare or is_dull(lower, speech.stop))


def _is_known(topic: str, topics: Sequence[Topic]) -> bool:
    """Whether a topic found before says the same, or more of it: Biden, after Joe Biden."""
    spaced, joined = _forms(topic)
    return any(
        spaced in known[0] or joined == known[1] for known in (_forms(t.text) for t in topics)
    )


@lru_cache(maxsize=CACHED)
def _forms(topic: str) -> tuple[str, str]:
    """A topic as it is compared: with spaces around its words, and with none."""
    lower = topic.casefold()
    return f" {lower} ", lower.replace(" ", "")


def _capitalised(found: Sequence[Word], habits: Vocabulary) -> Iterator[str]:
    """Runs of capitalised words, small links between them included."""
    is_headline, speech = _is_headline(found), habits.speech
    run: list[Word] = []
    for word in found:
        if not run and not word.is_capital:
            continue
        may_name = word.is_capital and _may_name(word, habits, is_headline)
        if run and word.is_joined and (may_name or word.lower in speech.links):
            run.append(word)
            continue
        is_adjective = len(run) == 1 and word.is_joined and _NATIONAL.search(run[0].text)
        # "the American people" are not about "American"
        if run and not (is_adjective and speech.is_english):
            yield from _span(run, habits)
        run = [word] if may_name else []
    yield from _span(run, habits)


def _may_name(word: Word, habits: Vocabulary, is_headline: bool) -> bool:
    if word.lower in habits.speech.calendar:
        return False
    if word.is_first:
        return habits.is_name(word.lower) or word.lower in habits.speech.titles
    return not is_headline or habits.lower[word.lower] == 0 or habits.is_name(word.lower)


def _span(run: Sequence[Word], habits: Vocabulary) -> Iterator[str]:
    """The name in a run: without dull words and links at its ends."""
    first, end, speech = 0, len(run), habits.speech
    while first < end and _is_edge(run[first].lower, speech):
        first += 1
    while first < end and _is_edge(run[end - 1].lower, speech):
        end -= 1
    name = run[first:end]
    if len(name) > 1 or (name and not habits.is_common(name[0].lower)):
        yield " ".join(w.text for w in name)


def _is_edge(lower: str, speech: Speech) -> bool:
    return lower in speech.links or is_dull(lower, speech.stop)


def _is_headline(found: Sequence[Word]) -> bool:
    long = [w.is_capital for w in found if len(w.text) > 3]
    return len(long) > 3 and sum(long) > SHOUTED_SHARE * len(long)


def _pairs(found: Sequence[Word], stop: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Neighbouring words that both say something."""
    before: str | None = None
    for word in found:
        lower = None if is_dull(word.lower, stop) else word.lower
        if lower and before and word.is_joined:
            yield before, lower
        before = lower


def _recurring(pairs: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    return Counter({pair: n for pair, n in pairs.items() if n > 1})


def _phrase(found: Sequence[Word], habits: Vocabulary) -> str | None:
    """The post's most telling pair of words that recurs in the archive, or else its best word."""
    telling = [w for w in found if _is_telling(w.lower, habits)]
    kept = {w.lower for w in telling}
    every = list(_pairs(found, habits.speech.stop))
    pairs = [p for p in every if habits.pairs[p] > 1 and p[0] in kept and p[1] in kept]
    if pairs:
        best = max(pairs, key=lambda p: _weight(habits.pairs[p], habits))
        if is_spaceless(best[0]) and is_spaceless(best[1]):
            return _compound(best, [p for p in every if habits.pairs[p] > 1])
        more = [p[1] for p in pairs if p[0] == best[1]]  # paid sick + sick leave
        return " ".join([*best, *more[:1]])
    if telling:
        return max((w.lower for w in telling), key=lambda w: _weight(habits.holding[w], habits))
    return None


def _compound(best: tuple[str, str], pairs: Sequence[tuple[str, str]]) -> str:
    """All of what is written together around a pair: 新型コロナウイルス感染症."""
    found = [*best]
    after, before = dict(reversed(pairs)), {b: a for a, b in reversed(pairs)}
    while (word := after.get(found[-1])) and word not in found:
        found.append(word)
    while (word := before.get(found[0])) and word not in found:
        found.insert(0, word)
    return "".join(found)[:LONGEST_TOPIC]


def _is_telling(lower: str, habits: Vocabulary) -> bool:
    held = habits.holding[lower]
    speech = habits.speech
    return (
        len(lower) > (1 if is_spaceless(lower) else 3)
        and is_lettered(lower)
        and not is_dull(lower, speech.stop)
        and lower not in speech.calendar
        and lower not in speech.titles
        and not (speech.is_english and lower.endswith(("ing", "ed", "ly")))  # as a rule no noun
        and held <= max(FEW, _EVERYWHERE * habits.posts)
    )


def _weight(held: int, habits: Vocabulary) -> float:
    """TF-IDF, except that a recurring word weighs more than a unique one."""
    return math.log(1 + held) * math.log((1 + habits.posts) / (1 + held))
