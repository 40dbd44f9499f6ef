"""Checks every drawn text before anyone sees it: drops each that fails, with its reason.

Shows none with a warning, since drawing another text is faster than reading a warning. But a text
may mention people whom the author has mentioned several times; a line below it names them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.draft import Candidate
from bot.errors import UserError
from bot.sentences import Words, say
from bot.visible import visible
from bot.voice.copies import Copies, words_of
from bot.voice.facts import handles, links
from bot.voice.others import Others
from bot.voice.words import is_spaceless
from bot.writing.thread import candidate_of

ACQUAINTED = 2  # posts that mention somebody: once may be a stranger
ALIKE = 0.7  # likeness of two short texts that say nearly the same; see `likeness`
SHORTEST_LEAK = 4  # words of a prompt; fewer may be in any text

EMPTY = say("empty")
BROKEN = say("broken characters")
UNSPLITTABLE = say("too long for the server")
INVENTED_LINK = say("an invented link")
STRANGER = say("mentions somebody who was not named")
NEAR_COPY = say("too close to an old post")
SOMEBODY_ELSES = say("the words of somebody else's post")
PERSONAL = say("an address, a number or a key")
BLOCKED = say("a word that is not to be used")
LEAK = say("the model's own instructions")
REPEATED = say("the same as another candidate")

# Half characters, marks of a model's template, bytes and pieces that no tokenizer put together
_BROKEN = re.compile(
    "[\ufffd\ud800-\udfff]|<[|｜][^<>\n]{1,40}[|｜]>|\\[/?INST\\]|<</?SYS>>|<unused\\d+>"
    r"|<(?:start|end)_of_turn>|<0x[0-9A-F]{2}>|(?<=\w)▁(?=\w)|(?<=[a-z,.])[ĠĊ](?=\w)"
    r"|(?i:</?s>|<(?:bos|eos|pad|unk|mask|eot)>|</?(?:think(?:ing)?|thoughts?|reasoning)>)",
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A dropped text, and why."""

    text: str
    reason: Words


class KnownPosts:
    """The posts that the voice learnt from, as hashes; keeps no texts."""

    def __init__(self, texts: Iterable[str], others: Others | None = None) -> None:
        """`others` are other people's posts in the archive."""
        posts = list(texts)
        mentioned = Counter(name for post in posts for name in handles(post))
        self.copies = Copies(posts)
        self.others = others or Others()
        self.acquaintances = {name for name, count in mentioned.items() if count >= ACQUAINTED}


class WordList:
    """Words and phrases that no text may hold: whole words, in any case, with any accents."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """One a line; `#` begins a comment."""
        phrases = {_folded(line.partition("#")[0]) for line in lines} - {()}
        # Without spaces, a word ends differently beside other words
        self._anywhere = {"".join(phrase) for phrase in phrases if is_spaceless("".join(phrase))}
        self._phrases = {p for p in phrases if "".join(p) not in self._anywhere}
        self._lengths = {len(phrase) for phrase in self._phrases}

    def meets(self, text: str) -> bool:
        """Whether the text holds one of them."""
        words = _folded(text) if self._phrases or self._anywhere else ()
        joined = "".join(words) if self._anywhere else ""
        return any(phrase in joined for phrase in self._anywhere) or any(
            words[i : i + length] in self._phrases
            for length in self._lengths
            for i in range(len(words) - length + 1)
        )


NO_WORDS = WordList()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for a candidate. `length` counts characters as the server does."""

    max_chars: int
    length: Callable[[str], int]
    known_posts: KnownPosts
    blocked: WordList = NO_WORDS
    prompt: str = ""  # the system prompt, which no answer may repeat


def screen(
    texts: Sequence[str], named: str, rules: Rules, taken: Iterable[str] = ()
) -> tuple[list[Candidate], list[Rejected]]:
    """Split texts into candidates to show and texts to drop; `taken` are those shown already.

    `named` is the owner's text: a link, a handle or a number in it may stand in a candidate too. A
    text too long for one status becomes a thread. Invisible characters are removed.
    """
    kept: list[Candidate] = []
    dropped: list[Rejected] = []
    seen = {words_of(t) for t in taken}
    for raw in texts:
        text = visible(raw)
        is_broken = _BROKEN.search(raw) or _is_misread(raw)
        reason = BROKEN if is_broken else _fault(text, named, rules)
        if reason is None and words_of(text) in seen:
            reason = REPEATED
        if reason is None:
            try:
                kept.append(candidate_of(text, rules.max_chars, rules.length))
                seen.add(words_of(text))
            except UserError:
                reason = UNSPLITTABLE
        if reason:
            dropped.append(Rejected(text, reason))
    return kept, dropped


def _fault(text: str, named: str, rules: Rules) -> Words | None:
    """The first reason to drop a text; the cheapest checks come first."""
    if not words_of(text):
        return EMPTY
    plain, asked = (unicodedata.normalize("NFKC", t) for t in (text, named))  # ＠ and ｗｗｗ． too
    tests: tuple[tuple[Words, Callable[[], bool]], ...] = (
        (INVENTED_LINK, lambda: not links(plain) <= links(asked)),
        (STRANGER, lambda: not handles(plain) <= handles(asked) | rules.known_posts.acquaintances),
        (BLOCKED, lambda: rules.blocked.meets(text)),
        (NEAR_COPY, lambda: rules.known_posts.copies.is_near_copy(text)),
        (SOMEBODY_ELSES, lambda: rules.known_posts.others.wrote(text)),
        (LEAK, lambda: _leaks(text, rules.prompt)),
        (PERSONAL, lambda: _is_personal(text, named)),
    )
    return next((reason for reason, fails in tests if fails()), None)


def _is_misread(text: str) -> bool:
    """Whether a server took UTF-8 for Windows' Latin: itâ€™s. True Latin is hardly ever UTF-8."""
    if text.isascii():
        return False
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False


def _leaks(text: str, prompt: str) -> bool:
    words, prompt_words = words_of(text), words_of(prompt)
    size = len(prompt_words)
    return size >= SHORTEST_LEAK and any(
        words[i : i + size] == prompt_words for i in range(len(words) - size + 1)
    )


def _folded(text: str) -> tuple[str, ...]:
    parted = unicodedata.normalize("NFKD", text).casefold()
    return words_of("".join(c for c in parted if not unicodedata.combining(c)))


def _is_personal(text: str, named: str) -> bool:
    from bot.voice import personal  # noqa: PLC0415  a bot that waits needs none of its libraries

    return any(found.text not in named for found in personal.find(text))


def likeness(one: str, other: str) -> float:
    """Share of the three-letter runs that two texts have in common, 0..1 (Dice), in any writing.

    One word in eight changed leaves 0.8 at least. Of 400 new posts of four authors, two were
    `ALIKE` one of the 800 before.
    """
    return likeness_to(one)(other)


def likeness_to(text: str) -> Callable[[str], float]:
    """The likeness of many texts to one, whose runs are counted once."""
    ours = _threes(text)
    size = ours.total()

    def likeness_of(other: str) -> float:
        theirs = _threes(other)
        both = size + theirs.total()
        if not both or 2 * min(size, theirs.total()) < ALIKE * both:
            return 0.0  # nothing to read, or too different in length
        return 2 * (ours & theirs).total() / both

    return likeness_of


def _threes(text: str) -> Counter[str]:
    letters = f" {' '.join(words_of(text))} "
    return Counter(letters[i : i + 3] for i in range(len(letters) - 2))
