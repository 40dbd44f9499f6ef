"""Compares a text with what its owner gave: the facts it keeps, misses and adds. Pure.

A fact is a number or date, a name, a handle, a hashtag, a link or a quoted passage. A name is known
by its capital letter inside of a sentence, so scripts and sentences without capitals have none. A
"no" is no fact, but whether a text says it as often as its notes is told beside them.
"""

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from bot.voice.tongues import (
    Tongue,
    after_elision,
    capital_nouns,
    common_words,
    detect,
    languages_told,
    tongue,
)
from bot.voice.words import ENDS_ALONE, ENDS_SPACED, MARKS, SPACELESS, is_spaceless, words_in

_TLD = r"(?:com|org|net|edu|gov|info|biz|io|dev|app|xyz|online|site|shop|social|blog|uk|ly|gl|gd)"
_LABELS = r"(?<![\w.@-])(?:[^\W_](?:[\w-]*[^\W_])?\.)+"
ANY_LINK = re.compile(
    rf"\b[a-z][a-z0-9+.-]*://\S+|\bwww\.\S+|\b(?:magnet|mailto|xmpp):\S+"
    rf"|{_LABELS}(?:[^\W\d_]{{2,}}(?::\d+)?/\S+|{_TLD}(?![\w-])\S*)",
    re.I,
)
_MAY_LINK = re.compile(r"[.:]\S")  # most texts hold none of what a search looks for
MAIL = re.compile(r"(?<![\w.@])[\w.+-]*\w@(?:[\w-]+\.)+[^\W\d_]{2,}")
HANDLE = re.compile(r"(?<![\w/])@[\w.-]*\w(?:@[\w.-]*\w)?")
HASHTAG = re.compile(rf"(?<![\w&/])[#＃]\w*[^\W\d_][\w{MARKS}]*")
QUOTATION = re.compile(
    '[“„«»"]([^“”„«»"\n]{3,200})[”“«»"]|「([^「」\n]{3,200})」|『([^『』\n]{3,200})』'
)
ENDS_SENTENCE = ".,;:!?)]}>'\"”’»…*_"

_LETTERS = rf"(?:(?![{SPACELESS}])\w)*"
MONEY = "$€£¥₹₩₺₽₪₫฿¢"
_NUMBER = re.compile(
    rf"(?:[{MONEY}] ?)?{_LETTERS}\d{_LETTERS}(?:[.,:/–-]\d{_LETTERS})*(?: ?[{MONEY}](?!\d))?"
)
COUNTS_NOTHING = re.compile(  # the mark of a list, a key, a heart
    r"^[^\S\n]*(?:\(?\d{1,2}(?:[.)]|-(?!\s*\d))|[-*•])[^\S\n]+|\d\ufe0f?\u20e3|<3(?![\d.,%])", re.M
)
_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")
_ORDINAL = re.compile(r"st|nd|rd|th|s|k|m|bn|x|am|pm|h|e")  # what may follow a figure
_WORD = re.compile(r"(?<![\w'’])[^\W\d_]\w*(?:['’.&-]\w+)*")
_STARTS = re.compile(  # what stands before a sentence
    rf"(?:[{ENDS_SPACED}{ENDS_ALONE}¿¡:;\n\"“„«(\[*•|/]|[-–—]\s)\W*$"
)
_BEFORE_NOUN = re.compile(r"(?:(\w+) )?(\w+) $")
_ADJECTIVE = re.compile(r"[^\W\d_A-ZÄÖÜ]\w*(?:e|en|er|es|em)")  # "the new" harbour
_TITLES = "Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Pres|Prof|Lt|Col|Gen|Sgt|Mt|Ft"
_TITLE, _AFTER_TITLE = re.compile(_TITLES), re.compile(rf"\b(?:{_TITLES})\. $")
_HEADLINE = 0.8  # of long words with a capital: a headline, whose capitals say nothing
_SHORTEST_NOUN = 6  # letters: of a word with a noun's ending
_NOT = re.compile(  # English; people leave the apostrophe out
    r"(?:ai|are|ca|cld|could|did|do|does|had|has|have|is|should|was|were|wld|wo|would)n'?t"
)
_SHORTENED = 3  # letters: "Sept" is "September", "Iowans" are of "Iowa"

FactKind = Literal["number", "name", "handle", "hashtag", "link", "quotation"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as it is written, and what it is."""

    kind: FactKind
    text: str


@dataclass(frozen=True, slots=True)
class FactCheck:
    """What became of the given facts in a text, each as it is written."""

    kept: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    no_missing: tuple[str, ...] = ()  # words that say no: of the notes, and of the text
    no_added: tuple[str, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """The given facts that the text lacks, and the noes."""
        return self.missing + self.no_missing

    @property
    def put_in(self) -> tuple[str, ...]:
        """The facts and the noes that nobody gave."""
        return self.added + self.no_added


def check(given: str, text: str, usual: Container[str] = (), notes: str | None = None) -> FactCheck:
    """Compare a text with all that its owner typed.

    `usual` are words in lower case that the author writes as a matter of course: a name among them
    is not added, and neither is "2day". With `notes`, whether a text says no as often as they do.
    """
    asked, found = _Told(given), _Told(text)
    known = dict.fromkeys(facts(given))
    kept = [fact.text for fact in known if found.holds(fact)]
    missing = [fact.text for fact in known if not found.holds(fact)]
    added = [fact.text for fact in dict.fromkeys(facts(text, usual)) if not asked.mentions(fact)]
    noes = _noes_apart(notes, text) if notes else ((), ())
    return FactCheck(tuple(kept), tuple(missing), tuple(added), *noes)


def _noes_apart(notes: str, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that say no which a text lacks, and those it has too many, where that is known."""
    told = tongue(detect(f"{notes} {text}")[0])
    said, found = _noes(notes, told), _noes(text, told)
    if said and found and told.says_no_twice:
        return (), ()
    return said[len(found) :], found[len(said) :]


def _noes(text: str, told: Tongue) -> tuple[str, ...]:
    words = words_in(text.casefold().replace("’", "'").replace("w/o", "without"))
    return tuple(word for word in words if _says_no(word, told))


def _says_no(word: str, told: Tongue) -> bool:
    if told.code == "en" and _NOT.fullmatch(word):
        return True
    return not told.no.isdisjoint(told.spelled.get(word, word).split())


def facts(
    text: str, usual: Container[str] = (), kinds: Collection[FactKind] = get_args(FactKind)
) -> list[Fact]:
    """The facts of a text, in the order of their kinds."""
    found: list[Fact] = []
    rest = text = COUNTS_NOTHING.sub("\n", text)
    has_at = "@" in text
    patterns: tuple[tuple[FactKind, re.Pattern[str], bool], ...] = (
        ("link", MAIL, has_at),
        ("link", ANY_LINK, _MAY_LINK.search(text) is not None),
        ("handle", HANDLE, has_at),
        ("hashtag", HASHTAG, "#" in text or "＃" in text),
    )
    for kind, pattern, may_hold in patterns:
        if may_hold:
            found += [Fact(kind, m[0].rstrip(ENDS_SENTENCE)) for m in pattern.finditer(rest)]
            rest = pattern.sub(" . ", rest)  # a full stop: nothing goes on across it
    found = [fact for fact in found if fact.kind in kinds]
    if "quotation" in kinds:
        quoted = (m[m.lastindex or 1].strip() for m in QUOTATION.finditer(rest))
        found += [Fact("quotation", words) for words in quoted if _is_passage(words)]
    if "number" in kinds and _DIGIT.search(rest):
        found += [Fact("number", n) for n in _NUMBER.findall(rest) if _is_figure(n, usual)]
    if "name" in kinds:
        found += [Fact("name", name) for name in _names(rest, usual)]
    return found


def _is_passage(quoted: str) -> bool:
    return " " in quoted or (is_spaceless(quoted) and len(words_in(quoted)) > 1)


def links(text: str) -> set[str]:
    """Addresses without their optional parts, in lower case up to the path; of mail, too."""
    found = {mail.lower() for mail in MAIL.findall(text)}
    for link in ANY_LINK.findall(text):
        bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", link.rstrip(ENDS_SENTENCE), flags=re.I)
        host, slash, path = bare.partition("/")
        found.add(host.lower() + slash + path)
    return found


def handles(text: str) -> set[str]:
    """The people a text mentions, as "@name" or "@name@server", in lower case."""
    return {handle.lower() for handle in HANDLE.findall(text)}


class _Told:
    """A text, ready to be asked whether it holds a fact."""

    def __init__(self, text: str) -> None:
        self.text = text = COUNTS_NOTHING.sub("\n", text)
        self.words = {w for word in _WORD.findall(text) for w in _parts(word)}
        numbers = _NUMBER.findall(text)
        self.figures = {f for n in numbers for f in _figures(n)}
        self.sums = {(f, sign) for n in numbers for sign in _signs(n) for f in _figures(n)}
        self.figures |= {_digits()[word] for word in self.words & _digits().keys()}
        self.letters = _letters(text)

    def holds(self, fact: Fact) -> bool:
        """Whether a given fact is in this text."""
        tests: dict[FactKind, Callable[[], bool]] = {
            "link": lambda: links(fact.text) <= links(self.text),
            "handle": lambda: handles(fact.text) <= handles(self.text),
            "hashtag": lambda: f"#{_letters(fact.text)}" in self.text.casefold().replace("＃", "#"),
            "number": lambda: self._counts(fact.text),
            "name": lambda: all(map(self._knows, _parts(fact.text))),
            "quotation": lambda: _letters(fact.text) in self.letters,
        }
        return tests[fact.kind]()

    def mentions(self, fact: Fact) -> bool:
        """Whether this text, given by an owner, stands behind a fact: #SnowDay, for "snow day"."""
        if fact.kind in ("handle", "hashtag"):
            return _letters(fact.text) in self.letters
        return self.holds(fact)

    def _counts(self, number: str) -> bool:
        """Whether a number is here; £9 is not, if the 9 that is here are dollars."""
        figures, signs = set(_figures(number)), _signs(number)
        others = {sign for figure, sign in self.sums if figure in figures}
        return figures <= self.figures and (signs <= others or not others)

    def _knows(self, word: str) -> bool:
        long = _long_forms().get(word, word)  # "Dept" of who was given "department"
        if word in self.words or self.words.issuperset(long.split()):
            return True
        size = len(word)
        return size >= _SHORTENED and any(
            (known.startswith(word) or word.startswith(known))
            and min(size, len(known)) >= _SHORTENED
            for known in self.words
        )


def _names(text: str, usual: Container[str]) -> Iterator[str]:
    """Runs of capitalised words inside of sentences that hold an unusual one."""
    text = f"\n{text}"
    found = list(_WORD.finditer(text))
    told = capital_nouns(text)
    long = [m[0][0].isupper() for m in found if len(m[0]) > 3]
    if len(long) > 3 and sum(long) > _HEADLINE * len(long):
        return
    run: list[re.Match[str]] = []
    for match in found:
        is_name = _is_name(match, text) and not (told and _is_noun(match, told))
        if run and not (is_name and text[run[-1].end() : match.start()] == " "):
            yield from _named(run, text, usual)
            run = []
        if is_name:
            run.append(match)
    yield from _named(run, text, usual)


def _is_name(match: re.Match[str], text: str) -> bool:
    """Whether a word has a capital that is not its sentence's."""
    word, before = match[0], text[max(0, match.start() - 12) : match.start()]
    if (core := after_elision(word)) != word and core[0].isupper():  # l'Europe
        return core.casefold() not in common_words()
    if not word[0].isupper() or len(re.split(r"['’]", word)[0]) < 2:
        return False
    if word.casefold().replace("’", "'") in common_words() or _TITLE.fullmatch(word):
        return False
    return word.isupper() or not _STARTS.search(before) or bool(_AFTER_TITLE.search(before))


def _is_noun(match: re.Match[str], told: Tongue) -> bool:
    """Whether a word has a capital because it is a noun."""
    word, start = match[0], match.start()
    if word.endswith(told.nouns) and len(word) > _SHORTEST_NOUN:
        return True
    if not (before := _BEFORE_NOUN.search(match.string[max(0, start - 40) : start])):
        return False
    near, far = before[2].casefold(), (before[1] or "").casefold()
    is_after = near in told.determiners or near.isdigit()
    return is_after or (far in told.determiners and bool(_ADJECTIVE.fullmatch(before[2])))


def nouns_in(texts: Iterable[str], told: Tongue) -> Iterator[str]:
    """Words in lower case that an author writes with a capital because they are nouns."""
    if told.determiners:
        for match in (match for text in texts for match in _WORD.finditer(text)):
            if match[0][0].isupper() and not match[0].isupper() and _is_noun(match, told):
                yield from _parts(match[0])


def _named(run: list[re.Match[str]], text: str, usual: Container[str]) -> Iterator[str]:
    words = [match[0].casefold().replace("’", "'") for match in run]
    if any(w not in usual and part not in usual for w in words for part in _parts(w)):
        yield text[run[0].start() : run[-1].end()]


def _is_figure(token: str, usual: Container[str]) -> bool:
    """Whether a token with a digit is a number: not "b4", nor "4the" of those who write so."""
    token = _bare(token)
    if token.casefold() in _long_forms():
        return False
    if token.isdigit() or token.casefold() not in usual:
        figure = re.fullmatch(r"([24])([^\W\d_]{2,})", token)
        return not figure or bool(_ORDINAL.fullmatch(figure[2].casefold()))
    return False


def _figures(token: str) -> list[str]:
    """The values in a number: 1,000 and 1000 are the same, 31-28 holds two."""
    token = _bare(token)
    if _THOUSANDS.fullmatch(token):
        return [str(int(re.sub(r"\D", "", token)))]
    found = []
    for part in re.split(r"[.,:/–-]", token):
        figure = re.match(r"\d+", part)  # of any script
        found.append(str(int(figure[0])) if figure else part.casefold())
    return found


def _bare(number: str) -> str:
    return number.strip(f"{MONEY} ")


def _signs(number: str) -> set[str]:
    """The currency of a sum."""
    return set(number) & set(MONEY)


def _parts(word: str) -> list[str]:
    """The words in a name, in lower case, without 's."""
    return [
        re.sub(r"'s?$", "", after_elision(w))
        for w in re.split(r"[\s.&-]+", word.casefold().replace("’", "'").strip("."))
        if w not in ("", "s")
    ]


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


@lru_cache(maxsize=1)
def _digits() -> dict[str, str]:
    """Number words of all languages with a table, as digits."""
    return {
        word: digits for code in languages_told() for word, digits in tongue(code).numbers.items()
    }


@lru_cache(maxsize=1)
def _long_forms() -> dict[str, str]:
    """Short forms of all languages with a table, and what they stand for."""
    codes = languages_told()
    return {short: long for code in codes for short, long in tongue(code).spelled.items()}
