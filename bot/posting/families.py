"""Families of servers that speak Mastodon's API: how long a status may be, and how each counts.

Pure. Read from what a server says of itself at /api/v2/instance or /api/v1/instance. How each
counts is read from its own code or measured; a server that is not known is counted by the largest
of all ways, which fits everywhere.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import grapheme

from bot.writing.thread import status_length

ASSUMED_LIMIT = 500  # characters, where a server does not say: Mastodon's, and the smallest in use
SHORTEST_LIMIT = 20  # characters; a thread's parts need some for their numbers
_LONGEST_LIMIT = 1_000_000
# Statuses of these visibilities are in the account's `statuses_count` as soon as they exist.
_ALL = frozenset({None, "public", "unlisted", "private", "direct"})
_NONE = frozenset[str | None]()

Length = Callable[[str, str], int]  # of a text and its content warning


def code_points(text: str, content_warning: str = "") -> int:
    """Each code point is one; links and handles count in full."""
    return len(text) + len(content_warning)


def letters(text: str, content_warning: str = "") -> int:
    """A letter with its marks is one, and an emoji; links and handles count in full."""
    return int(grapheme.length(text) + grapheme.length(content_warning))


def utf16_units(text: str, content_warning: str = "") -> int:
    """As JavaScript counts: most emoji are two and more."""
    return len((text + content_warning).encode("utf-16-le", "surrogatepass")) // 2


def largest_count(text: str, content_warning: str = "") -> int:
    """The largest of all counts: what fits by it fits everywhere."""
    return max(status_length(text, content_warning), utf16_units(text, content_warning))


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of server software."""

    name: str
    length: Length = largest_count
    counted: frozenset[str | None] = _NONE  # visibilities that `statuses_count` surely holds


MASTODON = Family("mastodon", status_length, _ALL - {"direct"})
GOTOSOCIAL = Family("gotosocial", code_points, _ALL)
OTHER = Family("other")
SOFTWARE = {  # by the name after "compatible;" in the version
    **{name: Family(name, letters) for name in ("pleroma", "akkoma", "rebased", "soapbox")},
    **{name: Family(name, code_points) for name in ("pixelfed", "friendica", "mitra")},
    **{
        name: Family(name, utf16_units)
        for name in ("misskey", "sharkey", "firefish", "iceshrimp", "calckey", "foundkey")
    },
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server as it describes itself."""

    family: Family
    max_chars: int
    is_assumed: bool = False  # it does not say how long a status may be


def server_of(*answers: object) -> Server:
    """The server that gave these answers, the best one first; each is what JSON can hold."""
    said = [answer for answer in answers if isinstance(answer, Mapping)]
    family = next((found for answer in said if (found := _family(answer))), OTHER)
    limit = next((number for answer in said if (number := _limit(answer))), None)
    return Server(family, limit or ASSUMED_LIMIT, limit is None)


def _family(said: Mapping[str, object]) -> Family | None:
    version, source = str(said.get("version") or ""), str(said.get("source_url") or "")
    if "fedibird_capabilities" in said:
        return MASTODON
    if "gotosocial" in f"{source} {version}".lower() or re.match(r"0\.\d+\.\d+\S*git", version):
        return GOTOSOCIAL
    if named := re.search(r"compatible; *([\w.]+)", version):
        return SOFTWARE.get(named[1].lower().partition(".")[0], OTHER)
    if re.fullmatch(r"[1-9]\d*\.\d+\.\d+[\w.+~-]*", version):  # its forks add to it: 4.5.0+glitch
        return MASTODON
    return None


def _limit(said: Mapping[str, object]) -> int | None:
    configuration = said.get("configuration")
    statuses = configuration.get("statuses") if isinstance(configuration, Mapping) else None
    inner = statuses.get("max_characters") if isinstance(statuses, Mapping) else None
    for found in (inner, said.get("max_toot_chars"), said.get("max_characters")):
        is_number = isinstance(found, int | str) and re.fullmatch(r"\d{1,9}", str(found), re.ASCII)
        if is_number and SHORTEST_LIMIT <= int(str(found)) <= _LONGEST_LIMIT:
            return int(str(found))
    return None
