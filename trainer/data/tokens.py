"""A post's words as the topic layers see them, and the words that are never a topic.

Pure. English has lists of its own; other languages have those of stopwordsiso and Unicode's CLDR,
and what bot/voice/tongues.toml tells. topics.py leaves out an author's commonest words besides.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from babel.core import Locale, UnknownLocaleError

from bot.voice.tongues import stop_words, tongue
from bot.voice.words import LETTERS, MARKS, is_spaceless, parted

CACHED = 1 << 15  # words recur: a cached one costs a tenth

_STOPWORDS = """
a an the this that these those i me my mine myself we us our ours you your yours he him his she her
hers it its they them their theirs who whom whose which what when where why how and or but nor so
yet if then than because while although though unless until since as at by for from in into of off
on onto out over to up upon with within without about above across after again against along among
around before behind below between beyond down during except inside like near past through toward
towards under is am are was were be been being do does did doing done have has had having can could
will would shall should may might must ought not no none nothing never ever always often also too
very just only even still already more most much many few less least any some all each every both
either neither other others another such own same here there now today tomorrow yesterday tonight
let lets get gets got getting go goes going gone went come comes coming came make makes made making
take takes taking took see sees saw seen say says said know knows think thinks thought want wants
need needs keep back one two three four five six ten first last next new good great big well really
thing things way lot people time day days week weeks month months year years man men ok okay oh yes
yeah please thanks thank hi hello hey rt via amp cc im ive id ill lol u ur r w k pls ppl bc instead
maybe however meanwhile hope happy proud learn read watch join live look tune check stop right sure
part ago million billion trillion percent number half better best worst worse long high low old
full real simply find build create work help use start call ask tell give show try turn put feel
mean ensure stand fight bring support continue remember believe agree follow
"""
_CALENDAR = """
monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
january february march april may june july august september october november december jan feb mar
apr jun jul aug sep sept oct nov dec am pm est edt et ct pt cst pst gmt utc
"""
_TITLES = """
mr mrs ms dr prof sir st sen rep gov pres president senator senators congressman congresswoman
representative governor justice judge secretary director chairman chair leader speaker general gen
sgt col capt lt maj rev hon mayor king queen prince princess pope
"""
_LINKS = "of the for de la le del von van der den da di du"

STOPWORDS = frozenset(_STOPWORDS.split())
CALENDAR = frozenset(_CALENDAR.split())
TITLES = frozenset(_TITLES.split())  # alone, they name nobody
LINKS = frozenset(_LINKS.split())  # inside of names: Medicare for All, Simone de Beauvoir

# Nouns that say as little as the stop words, where a capital does not tell names from nouns
_MORE_STOPWORDS = {
    "de": """
    woche wochen monat monate monaten jahrzehnt stunde stunden minuten abend morgen nacht mittag
    problem probleme frage fragen thema lage fall fälle fällen teil teile beispiel art weise grund
    gründe prozent zahl zahlen anteil seite stelle punkt punkte sache dinge ende anfang moment
    ergebnis möglichkeit rolle folge folgen leute person personen dank blick artikel kommentar
    kommentare
    """
}
# In other languages; English has TITLES
_TITLES_ELSEWHERE = """
herr frau kanzler kanzlerin minister ministerin präsident präsidentin bürgermeister monsieur madame
mme président présidente ministre señor señora sra presidente presidenta ministro ministra alcalde
senhor senhora prefeito governador signor signora sindaco
"""

_MARKED = re.compile(rf"https?://\S+|(?<![\w&])[#＃@][\w{MARKS}]+")
_UPPER = "A-Z" + "".join(c for c in map(chr, range(0xC0, 0x530)) if c.isupper())
_LOWER = "a-z" + "".join(c for c in map(chr, range(0xC0, 0x530)) if c.islower())
_TOKENS = (
    r"(?=\w{1,4}\.)(?:"  # spares most words the next three tries
    r"(?:[^\W\d_]\.){2,}"  # U.S., D.C.
    r"|(?:Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Pres|Prof|Lt|Col|Gen|Sgt|Sec|Jr|Sr|Mt|Ft)\.(?=\s+[A-Z])"
    r"|[A-Z]\.(?=\s+[A-Z])"  # Brian D. Sicknick
    r")|LETTERS(?:[-'’.&]LETTERS)*"
    r"|\n|[^\w\s]+"
)
_TOKEN = re.compile(_TOKENS.replace("LETTERS", LETTERS))
_ASCII_TOKEN = re.compile(_TOKENS.replace("LETTERS", r"\w+"), re.ASCII)  # of the other a third
_CAMEL = re.compile(
    rf"Mc[A-Z][a-z]+|[{_UPPER}]{{2,}}s(?![{_LOWER}])|[{_UPPER}]+(?![{_LOWER}])\d*"
    rf"|[{_UPPER}]?[^\W{_UPPER}\d_]+\d*|\d+"
)
_KANA = re.compile("[\u3040-\u309f]+")
_POSSESSIVES = frozenset(("'s", "’s", "'S", "’S"))
_WITHIN_SENTENCE = frozenset(",/()-–'’&%$+*=`´")  # these part words, but begin no sentence


@dataclass(frozen=True, slots=True, eq=False)  # it is part of the keys of caches
class Speech:
    """What the languages of an archive say of its words; all in lower case."""

    stop: frozenset[str] = STOPWORDS  # they say nothing about a subject
    calendar: frozenset[str] = CALENDAR
    titles: frozenset[str] = TITLES
    links: frozenset[str] = LINKS
    elided: frozenset[str] = frozenset()  # before an apostrophe: l'Europe
    has_endings: bool = False  # after one: Türkiye'nin
    is_english: bool = True  # endings of English words say what they are

    @classmethod
    def of(cls, languages: Iterable[str]) -> "Speech":
        """That of languages, by their codes; of none it is that of English."""
        others = [code for code in languages if code != "en"]
        if not others:
            return ENGLISH
        tables = [tongue(code) for code in others]
        is_english = "en" in languages
        return cls(
            (STOPWORDS if is_english else frozenset()).union(*map(_dull, others)),
            (CALENDAR if is_english else frozenset()).union(*map(_calendar, others)),
            TITLES | frozenset(_TITLES_ELSEWHERE.split()),
            LINKS.union(*(table.links for table in tables)),
            frozenset[str]().union(*(table.elided for table in tables)),
            any(table.has_endings for table in tables),
            is_english,
        )


ENGLISH = Speech()


def _calendar(language: str) -> frozenset[str]:
    """Names of weekdays and months, and their short forms, as Unicode's CLDR has them."""
    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return frozenset()
    kinds = [names[kind] for names in (locale.days, locale.months) for kind in names]
    widths = [kind[width] for kind in kinds for width in ("wide", "abbreviated")]
    found = (name for width in widths for name in width.values() if len(name) > 1)
    return frozenset(name.casefold().rstrip(".") for name in found)


def _dull(language: str) -> frozenset[str]:
    return (
        stop_words(language)
        | tongue(language).who
        | frozenset(_MORE_STOPWORDS.get(language, "").split())
    )


class Word(NamedTuple):
    """One word of a post."""

    text: str  # without 's
    lower: str
    is_capital: bool
    is_first: bool  # of a sentence, or of a line: its capital letter says nothing
    is_joined: bool  # nothing but a space parts it from the word before


def words(text: str, speech: Speech = ENGLISH) -> list[Word]:
    """The words of a text in order; hashtags, mentions and links are left out."""
    found: list[Word] = []
    is_first, is_joined = True, False
    if "#" in text or "@" in text or "＃" in text or "http" in text:
        text = _MARKED.sub(" , ", text)
    has_spaceless = is_spaceless(text)
    for token in (_ASCII_TOKEN if text.isascii() else _TOKEN).findall(text):
        if has_spaceless and is_spaceless(token) and token[0].isalnum():
            parts = [Word(part, part.casefold(), False, False, True) for part in parted(token)]
            found += [parts[0]._replace(is_joined=is_joined), *parts[1:]]
            is_first, is_joined = False, True
            continue
        word, is_first, is_joined = _read(token, is_first, is_joined, speech)
        if word:
            found.append(word)
    return found


@lru_cache(maxsize=CACHED)
def _read(
    token: str, is_first: bool, is_joined: bool, speech: Speech
) -> tuple[Word | None, bool, bool]:
    """The token's word, if it is one, and `is_first` and `is_joined` of the next."""
    if not token[0].isalnum():
        return None, is_first or not _WITHIN_SENTENCE.issuperset(token), False
    ends = token[-2:] in _POSSESSIVES  # a name does not go on after it
    text = token[:-2] if ends else token
    if speech is not ENGLISH:
        text, is_elided, ends = _without_apostrophes(text, ends, speech)
        is_first = is_first and not is_elided
    return Word(text, text.casefold(), text[0].isupper(), is_first, is_joined), False, not ends


def _without_apostrophes(text: str, ends: bool, speech: Speech) -> tuple[str, bool, bool]:
    """A word without what is elided before it, or hung on after it; whether there was either."""
    before, _, rest = text.replace("’", "'").partition("'")
    if rest and before.casefold() in speech.elided:
        return rest, True, ends
    if rest and speech.has_endings:
        return before, False, True
    return text, False, ends


@lru_cache(maxsize=CACHED)
def is_dull(lower: str, stop: frozenset[str] = STOPWORDS) -> bool:
    """Whether a word says nothing about a subject; judges contractions by their first part."""
    if lower in stop or (len(lower) < 2 and not is_spaceless(lower)):
        return True
    if _KANA.fullmatch(lower):  # Japanese endings and small words
        return True
    return not lower.isalpha() and re.split(r"['’]", lower)[0] in stop


def readable(name: str) -> str:
    """Split a hashtag or a handle into words: MedicareForAll, Space_Station, NASANewHorizons."""
    if re.match(r"[a-z][A-Z]", name):  # iPhone
        return name
    return " ".join(_CAMEL.findall(name))
