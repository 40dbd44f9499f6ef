"""A post's words as the topic layers see them, and the words that are never a topic.

Pure. Holds those of English; topics.py leaves out an author's commonest words in any language.
"""

import re
from functools import lru_cache
from typing import NamedTuple

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

_MARKED = re.compile(r"https?://\S+|(?<![\w&])[#＃@]\w+")
_TOKEN = re.compile(
    r"(?=\w{1,4}\.)(?:"  # spares most words the next three tries
    r"(?:[^\W\d_]\.){2,}"  # U.S., D.C.
    r"|(?:Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Pres|Prof|Lt|Col|Gen|Sgt|Sec|Jr|Sr|Mt|Ft)\.(?=\s+[A-Z])"
    r"|[A-Z]\.(?=\s+[A-Z])"  # Brian D. Sicknick
    r")|\w+(?:[-'’.&]\w+)*"
    r"|\n|[^\w\s]+"
)
_CAMEL = re.compile(
    r"Mc[A-Z][a-z]+|[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])\d*|[A-Z]?[^\WA-Z\d_]+\d*|\d+"
)
_POSSESSIVES = frozenset(("'s", "’s", "'S", "’S"))
_WITHIN_SENTENCE = frozenset(",/()-–'’&%$+*=`´")  # these part words, but begin no sentence


class Word(NamedTuple):
    """One word of a post."""

    text: str  # without 's
    lower: str
    is_capital: bool
    is_first: bool  # of a sentence, or of a line: its capital letter says nothing
    is_joined: bool  # nothing but a space parts it from the word before


def words(text: str) -> list[Word]:
    """The words of a text in order; hashtags, mentions and links are left out."""
    found: list[Word] = []
    is_first, is_joined = True, False
    if "#" in text or "@" in text or "＃" in text or "http" in text:
        text = _MARKED.sub(" , ", text)
    for token in _TOKEN.findall(text):
        word, is_first, is_joined = _read(token, is_first, is_joined)
        if word:
            found.append(word)
    return found


@lru_cache(maxsize=CACHED)
def _read(token: str, is_first: bool, is_joined: bool) -> tuple[Word | None, bool, bool]:
    """The token's word, if it is one, and `is_first` and `is_joined` of the next."""
    if not token[0].isalnum():
        return None, is_first or not _WITHIN_SENTENCE.issuperset(token), False
    ends = token[-2:] in _POSSESSIVES  # a name does not go on after it
    text = token[:-2] if ends else token
    return Word(text, text.casefold(), text[0].isupper(), is_first, is_joined), False, not ends


@lru_cache(maxsize=CACHED)
def is_dull(lower: str) -> bool:
    """Whether a word says nothing about a subject; judges contractions by their first part."""
    if lower in STOPWORDS or len(lower) < 2:
        return True
    return not lower.isalpha() and re.split(r"['’]", lower)[0] in STOPWORDS


def readable(name: str) -> str:
    """Split a hashtag or a handle into words: MedicareForAll, Space_Station, NASANewHorizons."""
    if re.match(r"[a-z][A-Z]", name):  # iPhone
        return name
    return " ".join(_CAMEL.findall(name))
