"""Counts an author's posts: when, how long, about what, in which words.

Reads posts one by one and keeps counts only, so an archive of any size fits. Writes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

import emoji

from bot.voice import VoicePost
from bot.voice.facts import ANY_LINK, HANDLE, HASHTAG
from bot.voice.tongues import detect, stop_words
from bot.voice.words import words_in

SHOWN = 15  # of each kind of word
SAMPLE_EVERY, SAMPLED = 7, 1000  # posts whose language is detected
LANGUAGE_SHARE = 0.05  # a language of fewer posts is a wrong guess, or a quote
FIRST_EMOJI = "\u203c"  # ‼, above all accents and quotes; looking for emoji takes long

_MARKED = re.compile(rf"{ANY_LINK.pattern}|{HANDLE.pattern}|{HASHTAG.pattern}", re.I)
_KANA = re.compile("[\u3040-\u309f]+")  # Japanese endings and small words

Ranking = list[tuple[str, int]]  # most frequent first


@dataclass(slots=True)
class Portrait:
    """Counts over all posts, those learnt from and those held out."""

    learnt: int = 0
    held_out: int = 0
    undated: int = 0
    months: Counter[tuple[int, int]] = field(default_factory=Counter)  # (year, month), learnt from
    held_out_months: Counter[tuple[int, int]] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)  # characters
    topics: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)  # as they were written
    emoji: Counter[str] = field(default_factory=Counter)
    hashtags: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)  # of a sample

    @property
    def posts(self) -> int:
        """How many posts were counted."""
        return self.learnt + self.held_out

    def median_length(self) -> int:
        """Characters of the post in the middle."""
        passed = 0
        for length, count in sorted(self.lengths.items()):
            passed += count
            if 2 * passed >= self.posts:
                return length
        return 0

    def top_words(self) -> Ranking:
        """The commonest words, without the stop words of the posts' languages."""
        least = LANGUAGE_SHARE * self.languages.total()
        spoken = [code for code, n in self.languages.items() if n >= least]
        common = {w.replace("’", "'") for code in spoken for w in stop_words(code)}
        spellings = _by_spelling(self.words)
        return [(w, n) for w, n in spellings if w.lower().replace("’", "'") not in common][:SHOWN]

    def top_topics(self) -> Ranking:
        """The commonest topics, by the number of posts about them."""
        return _by_spelling(self.topics)[:SHOWN]

    def top_hashtags(self) -> Ranking:
        """Hashtags, in their commonest spelling."""
        return [(f"#{tag}", n) for tag, n in _by_spelling(self.hashtags)[:SHOWN]]

    def top_emoji(self) -> Ranking:
        """Emoji, by how often they stand in the posts."""
        return self.emoji.most_common(SHOWN)


def paint(
    learnt: Iterable[VoicePost], held_out: Iterable[VoicePost], timezone: tzinfo = UTC
) -> Iterator[Portrait]:
    """Count post by post; yields the same portrait after each, so that a bar can move."""
    portrait = Portrait()
    for post in learnt:
        portrait.learnt += 1
        _count(portrait, portrait.months, post, timezone)
        yield portrait
    for post in held_out:
        portrait.held_out += 1
        _count(portrait, portrait.held_out_months, post, timezone)
        yield portrait


def _count(
    portrait: Portrait, months: Counter[tuple[int, int]], post: VoicePost, timezone: tzinfo
) -> None:
    _count_time(portrait, months, post.created_at, timezone)
    portrait.lengths[len(post.text)] += 1
    portrait.topics.update(dict.fromkeys(post.topics, 1))
    if portrait.posts % SAMPLE_EVERY == 1 and portrait.languages.total() < SAMPLED:
        portrait.languages[detect(post.text)[0]] += 1
    if max(post.text, default="") >= FIRST_EMOJI:
        portrait.emoji.update(found["emoji"] for found in emoji.emoji_list(post.text))
    if "#" in post.text or "＃" in post.text:
        portrait.hashtags.update(tag[1:] for tag in HASHTAG.findall(post.text))
    portrait.words.update(_words(post.text))


def _count_time(
    portrait: Portrait, months: Counter[tuple[int, int]], said: str | None, timezone: tzinfo
) -> None:
    try:
        when = datetime.fromisoformat(said) if said else None
    except ValueError:
        when = None
    if when is None:
        portrait.undated += 1
        return
    local = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(timezone)
    months[local.year, local.month] += 1
    portrait.hours[local.hour] += 1


def _words(text: str) -> Iterator[str]:
    for word in words_in(_MARKED.sub(" ", text)):
        if len(word) > 1 and not word.isdigit() and not _KANA.fullmatch(word):
            yield word


def _by_spelling(counts: Counter[str]) -> Ranking:
    """Join words that differ in capitals only, under the commonest spelling."""
    joined, spelling = Counter[str](), dict[str, str]()
    for word, count in counts.most_common():
        key = word.lower().replace("’", "'")
        joined[key] += count
        spelling.setdefault(key, word)
    return [(spelling[key], count) for key, count in joined.most_common()]
