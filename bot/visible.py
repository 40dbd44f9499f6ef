"""Removes from a text all that a person cannot see, before it is shown and so posted.

Pure. Also puts foreign words (a server's answer, a topic) into the bot's sentences.
"""

import re

# Unicode's Default_Ignorable_Code_Point (tests/test_visible.py compares), controls, halves of
# surrogate pairs, marks of annotations.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff"
)
_EMOJI = "\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_ARABIC, _MONGOLIAN = "\u0620-\u08ff", "\u1820-\u18aa"  # letters with other shapes beside others
_JOINING = f"{_ARABIC}\u0900-\u109f\u1780-\u17b3\u17b6-\u17ff{_MONGOLIAN}"
# Signs that take a consonant's vowel: the joiner after one makes another letter, also at the end
_VIRAMA = (
    "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0f84\u1039\u17d2"
    "\u1b44\u1baa\ua806\ua8c4\ua953\ua9c0\uabed"
)
# Letters of which a variation selector shows another shape: Chinese characters, and some signs
_VARIED = (
    "\u1000-\u109f\u2200-\u22ff\u2a00-\u2aff\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uff60"
)
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KEPT = (  # what shows in what is beside it: joiners, emoji made of several, flags of regions
    f"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])|(?<=[{_VIRAMA}])[\u200c\u200d]"
    f"|(?<=[{_ARABIC}])\u200d|\u200d(?=[{_ARABIC}])|(?<=[{_MONGOLIAN}])[\u180b-\u180f]"
    f"|(?<=[{_VARIED}])[\ufe00-\ufe02]|(?<=[{_HAN}])[\U000e0100-\U000e011f]"
    f"|(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}])"
    f"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    "|(?<=\U0001f3f4)\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067"
    "|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)\U000e007f"
)
_SEEN_OR_NOT = re.compile(f"({_KEPT})|[{_UNSEEN}]")
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*\n")  # Mastodon shows one for any number of them
_BLANK = re.compile("[\u2800\t]")  # a braille letter without dots, and a tab: both look like spaces
# Models take these for the beginning of a role's turn.
_ROLE_MARK = re.compile(
    r"<\|[^<>\n]{0,40}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>", re.I
)

# What Discord takes for a link, unless `<` follows: the backslash before that would be taken too.
_LINK = re.compile(r"(https?://(?>[^\s<]+[^\s<.,:;\"'\]]))(?![.,:;\"'\]]*<)")
_NO_LINK = re.compile(r"(?<=http)(s?):(?=//)|(?<=steam)():(?=//)")
# `:name:` becomes an emoji; the next piece, a link, may hold its second colon
_MARKDOWN = re.compile(r"([\\*_~`|<\[]|:(?=[^\s:]+:))")
_BEFORE_LINK = re.compile(r"([\\*_~`|<\[]|:(?=[^\s:]+:|[^\s:]*\Z))")
_LINE_START = re.compile(r"^(\s*)([-+#>])|^(\s*\d+)([.)])", re.M)


def visible(text: str) -> str:
    """The text without invisible characters.

    Line ends become newlines; of several blank lines one stays.
    """
    text = _SEEN_OR_NOT.sub(lambda m: m[1] or "", _LINE_END.sub("\n", text))
    return _BLANK_LINES.sub("\n\n", _BLANK.sub(" ", text)).strip()


def one_line(text: str, limit: int | None = None) -> str:
    """The same on one line."""
    return " ".join(visible(text).split())[:limit].rstrip()


def jotted(text: str) -> str:
    """A person's notes for a model: several lines, which cannot begin another role's turn."""
    return visible(_ROLE_MARK.sub(" ", visible(text)))


def wish(text: str) -> str:
    """The same on one line: a topic, or what else a person wishes for."""
    return one_line(jotted(text))


def inline(text: str, limit: int = 300) -> str:
    """Somebody's words within a sentence: one line, shown literally."""
    return isolated(escaped(one_line(text, limit)))


def isolated(text: str) -> str:
    """The text, such that Hebrew or Arabic in it does not turn the words around it about."""
    return f"\u2068{text}\u2069" if _RIGHT_TO_LEFT.search(text) else text


def escaped(text: str) -> str:
    """Discord Markdown that shows exactly this text; links stay links."""
    *before, last = _LINK.split(text)  # every second one is a link
    before[::2] = [_escaped_piece(piece, _BEFORE_LINK) for piece in before[::2]]
    pieces = (*before, _escaped_piece(last, _MARKDOWN))
    return _LINE_START.sub(lambda m: f"{m[1] or m[3] or ''}\\{m[2] or m[4]}", "".join(pieces))


def _escaped_piece(piece: str, marks: re.Pattern[str]) -> str:
    return _NO_LINK.sub(r"\1\\:", marks.sub(r"\\\1", piece))
