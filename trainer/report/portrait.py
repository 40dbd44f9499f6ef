"""Counts an author's posts: when, how long, about what, in which words.

Reads posts one by one and keeps counts only, so an archive of any size fits. Writes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

import emoji
import stopwordsiso

from bot.voice import VoicePost
from trainer.data.languages import language_of

SHOWN = 15  # of each kind of word
SAMPLE_EVERY, SAMPLED = 7, 1000  # posts whose language is detected
LANGUAGE_SHARE = 0.05  # a language of fewer posts is a wrong guess, or a quote
FIRST_EMOJI = "\u203c"  # ‼, above all accents and quotes; looking for emoji takes long

_HASHTAG = re.compile(r"(?<![\w&])[#＃](\w*[^\W\d_]\w*)")
_MARKED = re.compile(r"https?://\S+|(?<![\w&])[#＃@]\w+(?:@[\w.-]+)?")
# Chinese and Japanese put no spaces between words: a run of one script is the nearest to a word.
_WORD = re.compile(
    r"[\u4e00-\u9fff]+|[\u30a1-\u30ff]{2,}|[^\W\d_\u3040-\u30ff\u4e00-\u9fff]+(?:['’][^\W\d_]+)*"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LONGEST_HAN = 4  # more is a sentence, which is cut into pairs

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
        common = {w.replace("’", "'") for w in stopwordsiso.stopwords(self._main_languages())}
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

    def _main_languages(self) -> list[str]:
        least = LANGUAGE_SHARE * self.languages.total()
        names = {"nb": "no", "nn": "no"}  # the list of stop words knows one Norwegian
        found = {names.get(code, code) for code, n in self.languages.items() if n >= least}
        return sorted(found & stopwordsiso.langs())


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
        portrait.languages[language_of(post.text)] += 1
    if max(post.text, default="") >= FIRST_EMOJI:
        portrait.emoji.update(found["emoji"] for found in emoji.emoji_list(post.text))
    if "#" in post.text or "＃" in post.text:
        portrait.hashtags.update(_HASHTAG.findall(post.text))
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
    for word in _WORD.findall(_MARKED.sub(" ", text)):
        if _HAN.match(word):
            yield from _han_words(word)
        elif len(word) > 1:
            yield word


def _han_words(run: str) -> list[str]:
    if len(run) <= _LONGEST_HAN:
        return [run] if len(run) > 1 else []
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _by_spelling(counts: Counter[str]) -> Ranking:
    """Join words that differ in capitals only, under the commonest spelling."""
    joined, spelling = Counter[str](), dict[str, str]()
    for word, count in counts.most_common():
        key = word.lower().replace("’", "'")
        joined[key] += count
        spelling.setdefault(key, word)
    return [(spelling[key], count) for key, count in joined.most_common()]
