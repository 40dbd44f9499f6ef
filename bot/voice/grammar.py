"""A grammar of the texts that say all and only what notes say, for a server that draws by one.

Such a text has the words of the notes in their order, each as they stand or as its author spells
it, and a mark that its author uses wherever the notes set two parts apart. What is left to the
voice is the manner: marks, capitals, short forms. In llama.cpp's own form (GBNF). Pure.
"""

import re
from collections.abc import Container, Iterator, Sequence

from bot.voice.facts import ANY_LINK, HANDLE, HASHTAG, MAIL
from bot.voice.notes import (
    ASKS,
    BREAK,
    NO_WORDING,
    SOUNDS,
    Wording,
    notes_of,
    writes_by_sound,
)
from bot.voice.tongues import Tongue, tongue_of
from bot.voice.words import COMMAS, ENDS_ALONE, is_spaceless

_MOST_WORDS = 3  # that one short form stands for: "let us know"
_WHOLE = re.compile(
    rf"(?:{MAIL.pattern})|(?:{ANY_LINK.pattern})|{HANDLE.pattern}|{HASHTAG.pattern}"
)
_ENDS = ENDS_ALONE.replace("？", "")
# What may stand between two parts. A mark without a space would become a part of the figure, the
# link or the tag beside it, and even with one after a link.
_RULES = rf"""
gap ::= " " | "\n" "\n"?
mark ::= [.,:!] | "!!" | "..." | "…" SEMICOLON
wide ::= "\n" "\n"? | " " ("/" | [-–—]) " "
spaced ::= mark gap | wide
apart ::= spaced | [–—-] " " | " "? "—" | "/" " "? | " /"
alone ::= [{_ENDS}{COMMAS}] | apart
asked ::= "?" "?"? gap
sign ::= " "? [&+] " "?
end ::= ([.!] | "!!" | "..." | "…")?
close ::= [{_ENDS}] | end
"""


def grammar_of(given: str, wording: Wording = NO_WORDING) -> str | None:
    """The grammar of what somebody gave; None if that says nothing."""
    parts = [part.split() for part in notes_of(given, wording).split(BREAK) if part]
    words = [word for part in parts for word in part]
    if not words:
        return None
    starts = {sum(map(len, parts[:i])) for i in range(len(parts))}
    told = tongue_of(given, wording.languages)
    spellings = _spellings(told, wording)
    semicolon = '| ";"' if wording.marks.semicolons else ""
    rules = ["root ::= w0", _RULES.replace("SEMICOLON", semicolon)]
    for i in range(len(words)):
        ways: list[str] = []
        for run in _runs(words, starts, i):
            rest = _rest(words, starts, i + len(run), told)
            forms = _forms(run, i in starts, spellings, told, wording)
            ways += [f"{_literal(form)}{rest}" for form in forms]
        rules.append(f"w{i} ::= {' | '.join(ways)}")
    return "\n".join(rules)


def _runs(words: list[str], starts: Container[int], i: int) -> Iterator[list[str]]:
    """The words from one on that a short form may stand for, all of one part."""
    yield words[i : i + 1]
    for end in range(i + 1, min(i + _MOST_WORDS, len(words))):
        if end in starts:
            return
        yield words[i : end + 1]


def _rest(words: list[str], starts: Container[int], i: int, told: Tongue) -> str:
    """What follows the word before the one at `i`."""
    before = words[i - 1]
    asks, is_whole = before.endswith(ASKS), _WHOLE.search(before)
    if i == len(words):
        end = " close" if is_spaceless(before[-1]) else " end"
        return ' "?"' if asks else "" if is_whole else end
    after = words[i]
    if i not in starts:
        joins = after == told.spelled.get("&") and i + 1 < len(words) and i + 1 not in starts
        return f' (" " w{i} | sign w{i + 1})' if joins else f' " " w{i}'
    if asks:
        between = "asked"
    elif is_whole:
        between = "(gap | wide)"
    elif _WHOLE.search(after) or not (before[-1].isalpha() and after[0].isalpha()):
        between = "spaced"
    else:
        between = "alone" if is_spaceless(before + after) else "apart"
    return f" {between} w{i}"


def _spellings(told: Tongue, wording: Wording) -> dict[str, list[str]]:
    """The short forms that an author uses of each word, or of several."""
    found: dict[str, list[str]] = {}
    for short, long in told.spelled.items():
        if short in wording.usual or not short.isalnum():
            found.setdefault(long.casefold(), []).append(short)
    return found


def _forms(
    run: Sequence[str],
    starts: bool,
    spellings: dict[str, list[str]],
    told: Tongue,
    wording: Wording,
) -> list[str]:
    """The ways to write words that follow each other; of several only the short forms."""
    said = " ".join(run).removesuffix(ASKS)
    forms = [said] if len(run) == 1 else []
    forms += spellings.get(said.casefold(), ())
    if len(run) == 2:  # "do not", "I have"
        first, second = said.split(" ")
        forms += [
            first + ending
            for ending, word in told.endings.items()
            if word.strip() == second and (first + ending).casefold() in wording.usual
        ]
        if writes_by_sound(wording.usual) and second.isalpha() and len(second) > 1:  # "2get"
            forms += [figure + second for figure, word in SOUNDS.items() if word == first]
    has_capital = starts or said in wording.names or (len(said) == 1 and said in told.who)  # i
    capital = [form[0].upper() + form[1:] for form in forms if has_capital]
    quiet = told.small | (told.who - told.no)  # US is no loud us
    loud = [form.upper() for form in forms if form.casefold() in wording.loud - quiet]
    return list(dict.fromkeys(forms + capital + loud))


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
