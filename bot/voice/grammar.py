"""A grammar of the texts that say all and only what notes say, for a server that draws by one.

Such a text has the words of the notes in their order, each as they stand or as its author spells
it, and a mark of any kind wherever the notes set two parts apart. What is left to the voice is the
manner: marks, capitals, short forms. In llama.cpp's own form (GBNF). Pure.
"""

import re
from collections.abc import Iterator

from bot.voice.facts import ANY_LINK, HANDLE, HASHTAG, MAIL
from bot.voice.notes import BREAK, NO_WORDING, Wording, notes_of
from bot.voice.tongues import Tongue, tongue_of
from bot.voice.words import COMMAS, ENDS_ALONE, is_spaceless

_MOST_WORDS = 3  # that one short form stands for: "let us know"
_WHOLE = re.compile(
    rf"(?:{MAIL.pattern})|(?:{ANY_LINK.pattern})|{HANDLE.pattern}|{HASHTAG.pattern}"
)
# What may stand between two parts. A mark without a space would become a part of the figure, the
# link or the tag beside it, and even with one after a link.
_RULES = rf"""
gap ::= " " | "\n" "\n"?
mark ::= [.,;:!ASKS] | "!!" | "..." | "…"
wide ::= "\n" "\n"? | " " ("&" | "+" | AND | "/" | [-–—]) " "
spaced ::= mark gap | wide
apart ::= spaced | [–—-] " " | " "? "—" | "/" " "? | " /"
alone ::= [{ENDS_ALONE}{COMMAS}] | apart
end ::= ([.!ASKS] | "!!" | "..." | "…" | [{ENDS_ALONE}])?
"""


def grammar_of(given: str, wording: Wording = NO_WORDING) -> str | None:
    """The grammar of what somebody gave; None if that says nothing."""
    words = list(_words(notes_of(given, wording)))
    if not words:
        return None
    told = tongue_of(given, wording.languages)
    both = told.spelled.get("&", "&")
    asks = "?" if "?" in given else ""
    rules = ["root ::= w0 end", _RULES.replace("AND", _literal(both)).replace("ASKS", asks)]
    spellings = _spellings(told, wording)
    for i, (_, starts) in enumerate(words):
        ways = []
        for size in range(1, min(_MOST_WORDS, len(words) - i) + 1):
            run = words[i : i + size]
            if any(is_start for _, is_start in run[1:]):
                break
            said = [word for word, _ in run]
            for form in _forms(said, starts, spellings, told, wording):
                ways.append(f"{_literal(form)}{_rest(words, i + size)}")
        rules.append(f"w{i} ::= {' | '.join(ways)}")
    return "\n".join(rules)


def _words(notes: str) -> Iterator[tuple[str, bool]]:
    """The words of notes, and whether a part begins with each."""
    for part in notes.split(BREAK):
        for i, word in enumerate(part.split()):
            yield word, i == 0


def _rest(words: list[tuple[str, bool]], i: int) -> str:
    """What follows the word before the one at `i`."""
    if i == len(words):
        return ""
    (before, _), (after, is_apart) = words[i - 1], words[i]
    if not is_apart:
        between = '" "'
    elif _WHOLE.search(before):
        between = "(gap | wide)"
    elif not (before[-1].isalpha() and after[0].isalpha()):
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
    run: list[str], starts: bool, spellings: dict[str, list[str]], told: Tongue, wording: Wording
) -> list[str]:
    """The ways to write words that follow each other; of several only the short forms."""
    said = " ".join(run)
    forms = [said] if len(run) == 1 else []
    forms += spellings.get(said.casefold(), ())
    if len(run) == 2:  # "do not", "I have"
        forms += [
            run[0] + ending
            for ending, word in told.endings.items()
            if word.strip() == run[1] and (run[0] + ending).casefold() in wording.usual
        ]
    has_capital = starts or said in wording.names or (len(said) == 1 and said in told.who)  # i
    capital = [form[0].upper() + form[1:] for form in forms if has_capital]
    return list(dict.fromkeys(forms + capital))


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
