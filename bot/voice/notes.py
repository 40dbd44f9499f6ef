"""Notes: what somebody wants said, without the manner of saying it.

`notes_of` makes them of a post, for training, and of what an owner types: both look alike to the
voice. Names, numbers, links, handles, who, no, questions and the order stay; an author's own
spellings, marks, emoji and the capitals of ordinary words go. Pure. Works without spaces, too: what
cannot be parted into words stays whole.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from bot.voice.facts import (
    ANY_LINK,
    COUNTS_NOTHING,
    HANDLE,
    HASHTAG,
    MAIL,
    MONEY,
    QUOTATION,
    nouns_in,
)
from bot.voice.marks import NO_MARKS, Marks
from bot.voice.tongues import Tongue, main_languages, tongue, tongue_of
from bot.voice.words import (
    ENDS_ALONE,
    ENDS_SPACED,
    JOINERS,
    MARKS,
    SPACELESS,
    is_spaceless,
    parted,
    words_in,
)

BREAK = ";"  # stands for any mark or line end between two parts
ASKS = "?"  # stands for a question mark, which says something, at the end of a part:
ASKED = rf"\{ASKS}(?={BREAK}|\Z)"
_BRACKETED = re.compile(r"(?<!\S)[(（](?=\S)[^()（）\n]*[^\W_][)）](?!\w)")
_PAUSE, _QUESTION = (BREAK,), (ASKS,)
_USUAL = 3  # posts that hold a word: then its author writes it as a matter of course
_NEWEST = 2000  # posts, enough to know an author; a voice of any size opens within a second
_MOSTLY = 0.7  # of its uses: a word with a capital then is a name, else an ordinary word
_FULL = 0.7  # of its author's share of small words: such notes are a text, and no telegram
_RUN_ON = 0.15  # of the breaks are left out, as people do who note things down

_LETTERS = rf"[^\W_]++(?:[{MARKS}{JOINERS}]++[^\W_]*+)*+"  # as `words.LETTERS`, but for "_"
_GLUE = "\u2060"  # before a word that no space parts from the one before it
_NUMBER = (  # with its sign, its unit and all that hangs on it: R$ 1,5, %50'nin, 9-year, 9am-1pm
    rf"(?:(?<!\w)[A-Z]{{0,2}}[{MONEY}][^\S\n]?|(?<![\w)])[%#<>≤≥~≈±]|(?<=[^\S\n])[-−])?"
    r"\d+(?:[.,:/–~～-]\d+)*"
    rf"(?:(?![{SPACELESS}])[^\W\d_]|['’](?!s(?!\w))(?=[^\W\d_])|-(?=[^\W\d_])"
    r"|(?<=[^\W\d_])[–-]\d+(?:[.,:]\d+)*)*"
    rf"(?:[^\S\n]?(?:°[CF]?(?!\w)|[{MONEY}%‰](?!\d)))?"
)
_TOKEN = re.compile(
    # Most tokens are plain words and spaces: they are tried first
    r"(?P<plain>(?-i:[^\W\d_]++)(?=[\s,;!?]|\Z))|(?P<space>[^\S\n]+)"
    rf"|(?P<quoted>{QUOTATION.pattern})|(?P<link>{MAIL.pattern}|{ANY_LINK.pattern})"
    rf"|(?P<tag>(?:{HANDLE.pattern}|{HASHTAG.pattern})(?:['’]s(?!\w))?)"
    rf"|(?P<number>{_NUMBER})"
    r"|(?P<word>(?:w/o|w/|b/c)(?!\w)|(?:[^\W\d_]\.){2,}|(?-i:[A-Z]{1,3}&[A-Z]{1,3})(?!\w)|(?:Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Prof)(?=\.\s)"
    rf"|{_LETTERS}(?:[_'’.-]{_LETTERS})*)"
    rf"|(?P<sign>[&+=]|@(?!\w)|(?<=[^\S\n])[<>](?=\s))|(?P<end>[{ENDS_SPACED}{ENDS_ALONE}\n]+)"
    "|(?P<blank>[^\\S\n]+|['’]s(?!\\w)|[*_~`^'’´\"“”„«»\\\\]+)|(?P<mark>.)",
    re.I,
)
_JOINED = re.compile(r"([24])([^\W\d_]{2,})")  # 2hold, 4the
_COUNTED = re.compile(r"(\d+)([^\W\d_]{2,})")  # 76ppl
_UNITS = frozenset(("nd", "th", "st", "rd", "am", "pm", "bn", "mm", "cm", "km", "kg", "lb", "lbs"))
_BEFORE, _AFTER = re.compile(r"(\w+) $"), re.compile(r" (\w+)")
_QUESTION_MARKS = frozenset("?？؟")
SOUNDS = {"2": "to", "4": "for"}
_WORDS = re.compile(  # 9-6 and its like are one; signs of sums, more, less, and what asks are, too
    rf"\d\w*(?:[-–/]\d\w*)+|[{MONEY}%<>]|{ASKED}|[^\W_][\w'{MARKS}{JOINERS}]*"
)


@dataclass(frozen=True, slots=True)
class Wording:
    """How an author writes words, all in lower case."""

    languages: tuple[str, ...] = ()  # the commonest first
    usual: frozenset[str] = frozenset()  # in several posts
    names: frozenset[str] = frozenset()  # with a capital, inside of sentences too
    ordinary: frozenset[str] = frozenset()  # without one, as a rule
    loud: frozenset[str] = frozenset()  # in capitals, in several posts
    nouns: frozenset[str] = frozenset()  # with one and no names: only where nouns have capitals
    small: float = 0.0  # share of small words, 0..1
    marks: Marks = NO_MARKS

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Wording":
        """Learn it from an author's posts, oldest first."""
        texts = list(texts)[-_NEWEST:]
        languages = main_languages(texts)
        told = tongue(languages[0] if languages else None)
        small, capital, holding, loud = (Counter[str]() for _ in range(4))
        words = smalls = 0
        for text in texts:
            held, shouted, starts = set[str](), set[str](), True
            for match in _TOKEN.finditer(text):
                word = match[0] if match.lastgroup in ("plain", "word", "number") else ""
                if word:
                    held.update(_straight(word).casefold().removesuffix("'s").split("-"))
                    before, core = told.parted(word)
                    plain = _straight(core).casefold()
                    words += 1
                    smalls += told.spelled.get(plain, plain) in told.small
                    held.update((plain,) if before else ())
                    shouted.update((plain,) if core.isupper() and len(core) > 1 else ())
                    if not core.isupper() and not (starts and not before and core[0].isupper()):
                        (capital if core[0].isupper() else small)[plain] += 1
                starts = match.lastgroup == "end" or (starts and not word)
            holding.update(held)
            loud.update(shouted)
        uses = capital + small
        names = frozenset(w for w, count in uses.items() if capital[w] > _MOSTLY * count)
        return cls(
            languages,
            frozenset(word for word, count in holding.items() if count >= _USUAL),
            names,
            frozenset(uses.keys() - names),
            frozenset(word for word, count in loud.items() if count >= _USUAL),
            frozenset(nouns_in(texts, told)),
            smalls / words if words else 0.0,
            Marks.of(texts),
        )


NO_WORDING = Wording()


def notes_of(
    text: str,
    wording: Wording = NO_WORDING,
    small: float = 1.0,
    chance: random.Random | None = None,
) -> str:
    """Notes on one line, of a post or of typed notes.

    `small` is the share of the small words that stay, 0..1. With `chance` some breaks go, too. None
    stands where the text has no mark: a voice is to learn that what is set apart stays apart.
    """
    told, text = tongue_of(text, wording.languages), COUNTS_NOTHING.sub("\n", text)
    brackets = {i for found in _BRACKETED.finditer(text) for i in (found.start(), found.end() - 1)}
    kept: list[str] = []
    starts, end, is_apart = True, -1, True
    opening: str | None = None  # a bracket before the next word; empty behind that word
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind in ("space", "blank"):
            continue
        if match.start() in brackets:
            opening = _bracket(match[0], opening, kept)
            continue
        said = _said(match, starts, wording, told)
        if said and match.start() == end and is_spaceless(match[0] + match.string[end - 1]):
            said[0] = _GLUE + said[0]
        end = match.end() if said else -1
        starts = kind == "end" or (starts and not said)
        for word in said or (_PAUSE if _QUESTION_MARKS.isdisjoint(match[0]) else _QUESTION):
            luck = chance.random() if chance else 0.5
            bare = word.removeprefix(_GLUE)
            if word == BREAK:
                is_kept = not chance or luck >= _RUN_ON
            else:
                is_kept = luck < _staying(bare.casefold(), small, told)
            if is_kept and opening and word not in (BREAK, ASKS):
                kept.append(opening + bare)
                opening = ""
            elif is_kept:
                kept.append(bare if is_apart else word)
            is_apart = not is_kept
    return _joined(kept)


def _bracket(mark: str, opening: str | None, kept: list[str]) -> str | None:
    """What is to stand before the next word; a closing bracket goes behind the last one."""
    if mark in "(（":
        return mark
    if opening == "":  # it was opened, and a word behind it was kept
        while kept[-1] in (BREAK, ASKS):
            kept.pop()
        kept[-1] += mark
    return None


def _staying(word: str, small: float, told: Tongue) -> float:
    """How likely a word is to stay in notes that keep this share of the small words."""
    if word not in told.small or small >= 1.0:
        return 1.0
    if not told.light:
        return small
    return small**2 if word in told.light else small**0.5


def content_of(text: str, wording: Wording = NO_WORDING) -> list[str]:
    """What a text says, as the stems of its words in lower case: neither small words nor who."""
    told = tongue_of(text, wording.languages)
    silent = told.small | told.who
    words = (word for word in _noted(text, wording, told) if word[0].isalnum())
    return [told.stem(word) for word in words if word not in silent]


class Difference(NamedTuple):
    """How many words a text differs by from what was given."""

    stems: int  # those that stand more often in one, by stem
    words: int  # the same, whole: a librarian is no library; and brackets that went
    moved: int  # those that say something and stand in another order: "the man bit the dog"
    small: int  # small words that came or went, where the notes were a text and no telegram
    filled: int  # small words that came, where they were a telegram


def difference(given: str, text: str, wording: Wording = NO_WORDING) -> Difference:
    """Compare the words of a text with those that were given.

    Small words that telegrams leave out are manner, but "from Denver" for "to Denver" counts,
    and so do those who say who, if they change places: "lent me my shoes after his dog".
    So is the 2 of who writes "2get": as a figure it is a fact (bot/voice/facts.py).
    """
    told = tongue_of(given, wording.languages)
    both = _words(given, wording), _words(text, wording)
    said = [[word for word in words if word not in told.small] for words in both]
    stems = [[told.stem(word) for word in words] for words in said]
    people = [[word for word in words if word in told.who] for words in both]
    strayed = _moved(*people)
    smalls = [[word for word in words if word in told.small] for words in both]
    opened = [len(_BRACKETED.findall(COUNTS_NOTHING.sub("\n", one))) for one in (given, text)]
    is_full = len(smalls[0]) > _FULL * wording.small * len(both[0])
    return Difference(
        _differing(*stems) + _swapped(*both, told.small, told.stem) + strayed,
        _differing(*said)
        + _swapped(*both, told.small, str)
        + strayed
        + max(0, opened[0] - opened[1]),
        _moved(*stems),
        _differing(*smalls) if is_full else 0,
        0 if is_full else (Counter(smalls[1]) - Counter(smalls[0])).total(),
    )


def _swapped(
    given: list[str], text: list[str], small: Container[str], form: Callable[[str], str]
) -> int:
    """Words that have another small word before them."""
    written: dict[str, list[str]] = {}
    for word, run in _smalls_before(text, small):
        written.setdefault(form(word), []).extend(run)
    noted = ((form(word), run[-1]) for word, run in _smalls_before(given, small))
    return sum(before not in written.get(word, [before]) for word, before in noted)


def _differing(one: Sequence[str], other: Sequence[str]) -> int:
    return ((Counter(one) - Counter(other)) + (Counter(other) - Counter(one))).total()


def _moved(one: Sequence[str], other: Sequence[str]) -> int:
    """Words that both lists have, less the longest subsequence that they have in common."""
    longest = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for i, found in enumerate(other, 1):
            here = longest[i]
            longest[i] = before + 1 if found == word else max(here, longest[i - 1])
            before = here
    return (Counter(one) & Counter(other)).total() - longest[-1]


def _smalls_before(words: list[str], small: Container[str]) -> Iterator[tuple[str, list[str]]]:
    """Each word that says something and has small words before it, and those."""
    run: list[str] = []
    for word in words:
        if word in small:
            run.append(word)
            continue
        if run:
            yield word, run
        run = []


@lru_cache(maxsize=8)
def writes_by_sound(usual: frozenset[str]) -> bool:
    """Whether an author writes "2get" and "4the"."""
    return any(map(_JOINED.fullmatch, usual))


def _words(text: str, wording: Wording) -> list[str]:
    told = tongue_of(text, wording.languages)
    sounds = SOUNDS if writes_by_sound(wording.usual) else {}
    return [sounds.get(w) or told.numbers.get(w, w) for w in _noted(text, wording, told)]


def _noted(text: str, wording: Wording, told: Tongue) -> Iterator[str]:
    """The words of a text's notes, in lower case, but small ones of a single letter: a."""
    for letters in _WORDS.findall(notes_of(text, wording).casefold()):
        for word in parted(letters.replace("–", "-")):
            if len(word) > 1 or word not in told.small or is_spaceless(word):
                yield word


def _said(match: re.Match[str], starts: bool, wording: Wording, told: Tongue) -> list[str] | None:
    """The words that stand for a token; None for a mark."""
    kind, token = match.lastgroup, match[0]
    if kind in ("plain", "word"):
        if is_spaceless(token):
            first, *others = parted(token)
            return [first, *(_GLUE + word for word in others)]
        before, core = told.parted(_straight(token))
        is_name = not starts and core[0].isupper()
        is_name = is_name and (bool(told.determiners) or _is_beside_name(match, told))
        first, *others = _spelled(core, is_name, wording, told)
        return [before.casefold() + first, *others]
    if kind == "quoted":
        inner = token[1:-1].strip()
        if is_spaceless(inner):
            return [token if len(words_in(inner)) > 1 else inner]
        return [f'"{inner}"'] if " " in inner else [inner]
    if kind == "link":
        return [token]
    if kind == "tag":
        return [_straight(token)]
    if kind == "number":
        return _spelled_number(token, told)
    return told.spelled.get(token, token).split() if kind == "sign" else None


def _is_beside_name(match: re.Match[str], told: Tongue) -> bool:
    """Whether a word with a capital is the neighbour of another: Iowa State, Hart Senate Office."""
    text, start, end = match.string, match.start(), match.end()
    beside = _BEFORE.search(text[max(0, start - 30) : start]), _AFTER.match(text[end : end + 30])
    words = [found[1] for found in beside if found]
    return any(w[0].isupper() and len(w) > 1 and w.casefold() not in told.small for w in words)


def _spelled_number(number: str, told: Tongue) -> list[str]:
    """A figure as it is written; 76ppl in words, and 2hold, where a language sounds so."""
    if word := told.spelled.get(number.casefold()):
        return word.split()
    if (found := _COUNTED.fullmatch(number)) and found[2].casefold() in told.spelled:
        return [found[1], *told.spelled[found[2].casefold()].split()]
    if told.endings and (found := _JOINED.fullmatch(number)) and found[2].casefold() not in _UNITS:
        return [SOUNDS[found[1]], found[2]]
    figure, *words = number.split("-")
    return ["-".join((figure, *(told.spelled.get(w.casefold(), w) for w in words)))]


def _spelled(word: str, is_name: bool, wording: Wording, told: Tongue) -> list[str]:
    """A word without its author's spelling and without the capital of an ordinary word."""
    lower = word.casefold()
    is_letter = len(word) == 1 and word.isupper()  # room B
    if not is_letter and (whole := told.spelled.get(lower)):
        return whole.split()
    if lower.endswith(tuple(told.endings)):
        for ending, said in told.endings.items():
            if lower.endswith(ending) and len(lower) > len(ending):
                return [*_spelled(word[: -len(ending)], is_name, wording, told), *said.split()]
    if is_name or len(word) == 1 or lower in wording.names:
        return [word]
    return [lower] if lower in wording.ordinary else [word]


def _joined(kept: list[str]) -> str:
    """Words and breaks as a line; breaks that follow each other are one."""
    parts: list[list[str]] = [[]]
    for word in kept:
        if word not in (BREAK, ASKS):
            parts[-1].append(word)
            continue
        if not parts[-1]:
            parts.pop()
        if word == ASKS and parts:
            parts[-1][-1] = parts[-1][-1].removesuffix(ASKS) + ASKS
        parts.append([])
    return f"{BREAK} ".join(" ".join(part) for part in parts if part).replace(f" {_GLUE}", "")


def _straight(word: str) -> str:
    return word.replace("’", "'")
