"""Finds a text file's encoding, which no file says of itself.

UTF-8 if the whole file is, UTF-16 with a byte order mark, else Western Windows (cp1252) if that
reads as words. Anything else is refused, since a wrong guess would be learnt letter by letter.
"""

import codecs
import re
from collections.abc import Iterator

from trainer.archives.files import Files, base_name
from trainer.archives.post import Tally
from trainer.archives.records import BLOCK
from trainer.errors import ArchiveError

ENOUGH = 5_000  # words to judge by
ODD_SHARE = 0.2  # of the words with letters beyond ASCII; one slip does not condemn a file
_WORD = re.compile(r"[^\s,;\t\"]*[^\x00-\x7f][^\s,;\t\"]*")
_SIGNS = ",;.:!?\"'()[]{}<>\t"
_LETTER = r"[^\W\d_]"
# What other encodings become in cp1252, and no Western language has: signs inside of words, capital
# letters behind small ones, three letters with marks in a row, quotes that open behind a letter.
_ODD = re.compile(
    rf"{_LETTER}[¡¢£¤¥¦§¨©«¬®¯°±²³µ¶¸¹»¼½¾¿×÷ƒ†‡ˆ‰˜™ª”]{_LETTER}|[a-zà-öø-ÿß][À-ÖØ-ÞŠŒŽŸ]"
    rf"|[^\x00-\x7f“”‘’–—…«»€¡¿\s\xa0]{{3}}|{_LETTER}[‚„]|¤|þ(?!\w)"
)


def is_utf_16(head: bytes) -> bool:
    """Whether a file with this beginning is UTF-16, by its byte order mark."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def is_encoding(name: str) -> bool:
    """Whether Python knows this encoding of texts."""
    try:
        return isinstance("".encode(name), bytes)
    except (LookupError, UnicodeError):
        return False


def find_encoding(files: Files, name: str, tally: Tally) -> str:
    """The encoding of a file. Raises ArchiveError if it is none that can be told."""
    if tally.encoding:
        return tally.encoding
    with files.open(name) as file:
        if is_utf_16(file.read(2)):
            return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _blocks(files, name):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        shown = _shown_as_western(files, name)
        tally.warnings.append(
            f"{base_name(name)} is not UTF-8: read as cp1252 (Windows), with words such as"
            f" {shown!r}. If that is wrong, name its encoding with --encoding."
        )
        return "cp1252"
    return "utf-8-sig"


def _shown_as_western(files: Files, name: str) -> str:
    """A word of the file in cp1252. Raises ArchiveError if its words are none."""
    words: list[str] = []
    undefined = False
    for block in _blocks(files, name):
        text = block.decode("cp1252", "replace")
        undefined = undefined or "\ufffd" in text
        words += _WORD.findall(text)
        if len(words) > ENOUGH:
            break
    odd = [word for word in words if _ODD.search(word)]
    if undefined or len(odd) > ODD_SHARE * len(words):
        shown = " ".join((odd or words)[:4])[:60]
        raise ArchiveError(
            f"{base_name(name)} is neither UTF-8 nor Western Windows (cp1252), which would make"
            f" {shown!r} of it. Save it as UTF-8, or name its encoding: --encoding cp1251 for"
            " Cyrillic, cp1250 for Central Europe, shift_jis for Japanese, mac_roman for an older"
            " Mac, cp1252 if it is Western all the same."
        )
    return words[0].strip(_SIGNS)[:40] if words else ""


def _blocks(files: Files, name: str) -> Iterator[bytes]:
    with files.open(name) as file:
        while block := file.read(BLOCK):
            yield block
