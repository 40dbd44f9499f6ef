"""Translates Words into a person's language: one catalogue a language, `locales/<language>.po`.

The code holds the English. A sentence that a catalogue lacks stays English.
"""

import re
from functools import cache
from gettext import c2py
from pathlib import Path

from babel.core import Locale, UnknownLocaleError, get_global
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from bot.errors import BotError
from bot.sentences import Words, say

LOCALES = Path(__file__).parent / "locales"
_WORDS_OF_A_MOMENT = (say("today"), say("tomorrow"), say("at"), say("o'clock"))


def translate(words: "Words | BotError", locale: str) -> str:
    """The sentence in the language of a Discord locale, such as "de" or "en-GB"."""
    if isinstance(words, BotError):
        words = words.words
    values = {
        k: translate(v, locale) if isinstance(v, Words) else v for k, v in words.values.items()
    }
    words = Words(words.template, values, words.plural)
    catalogue = _catalogue(locale.split("-", maxsplit=1)[0])
    found = catalogue.get(words.template) if catalogue else None
    if catalogue is None or found is None or not found.string:
        return str(words)
    if isinstance(found.string, str):
        return words.fill(found.string)
    form = c2py(catalogue.plural_expr)(int(str(values["n"])))
    return words.fill(found.string[form])


def translated(text: str, locale: str, context: str | None = None) -> str | None:
    """The catalogue's entry for a text without values; None if it has none.

    `context` separates the names of commands and options ("name") from other texts.
    """
    catalogue = _catalogue(locale.partition("-")[0])
    found = catalogue.get(text, context) if catalogue else None
    return str(found.string) if found and found.string else None


def day_names(locale: str) -> list[str]:
    """The days of the week in short, Monday first, in the language of a Discord locale."""
    try:
        found = Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError):
        found = Locale("en")
    return [found.days["stand-alone"]["abbreviated"][day] for day in range(7)]


def decimal(number: float, locale: str) -> str:
    """A number with a decimal, or two below one, as the language of a Discord locale writes it."""
    try:
        language = Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError):
        language = Locale("en")
    return str(format_decimal(number, "0.00" if number < 0.95 else "#,##0.0", language))


def in_english(moment: str) -> str:
    """A moment as somebody typed it in any of the bot's languages, with English words."""
    for catalogue in sorted(LOCALES.glob("*.po")):
        for words in _WORDS_OF_A_MOMENT:
            typed = re.escape(translate(words, catalogue.stem))
            moment = re.sub(rf"(?<!\w){typed}(?!\w)", str(words), moment, flags=re.I)
    return moment


def is_language(code: str) -> bool:
    """Whether an ISO 639 code names a language, as far as Unicode's CLDR knows."""
    return code.lower() in _languages()


@cache
def _languages() -> frozenset[str]:
    named = Locale("en").languages
    return frozenset(code for code in (*named, *get_global("language_aliases")) if code.isalpha())


@cache
def _catalogue(language: str) -> Catalog | None:
    file = LOCALES / f"{language}.po"
    if not file.is_file():
        return None
    with file.open("rb") as po:
        return read_po(po, locale=language)
