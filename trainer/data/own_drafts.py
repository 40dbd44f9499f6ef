"""Recognises the bot's own posts in an archive, so that they do not count as their owner's.

Reads the bot's database, also while the bot runs. Knows a post on Mastodon by the id of its status,
any other by its text. An edited text counts as well: judged by sentences that are half its own, a
voice would look better than it is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from trainer import bot_database
from trainer.archives.post import Post
from trainer.archives.texts import LINK

LEEWAY = timedelta(days=1)  # some archives give the local time without its zone, or only the day
_SERVER_OF_HANDLE = re.compile(r"(@\w+)@[\w-]+(?:\.[\w-]+)+")  # is not shown: @mel@fog.example

StatusKey = tuple[str, str]  # the server's name and the status's id there


@dataclass(frozen=True, slots=True)
class OwnDrafts:
    """Statuses of drafts, and texts with the time from which the bot knew them."""

    statuses: frozenset[StatusKey] = frozenset()
    texts: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def load(cls, db: Path) -> "OwnDrafts":
        """Read the bot's database. Raises DataError."""
        with bot_database.reading(db) as opened:
            return cls(
                _statuses(bot_database.status_addresses(opened)), _texts(bot_database.texts(opened))
            )

    def has(self, post: Post) -> bool:
        """Whether the bot wrote this post of an archive."""
        if not self.texts and not self.statuses:
            return False
        if _key(post.id) in self.statuses:
            return True
        known_from = self.texts.get(_plain(post.text))
        if known_from is None:
            return False
        return post.created_at is None or post.created_at >= known_from - LEEWAY


def _statuses(addresses: Iterable[tuple[str, str]]) -> frozenset[StatusKey]:
    """By id and by address: on some servers a post's id is not that of its status."""
    return frozenset(
        key
        for address, number in addresses
        if number and _host(address)
        for key in ((_host(address), number), _key(address))
    )


def _texts(found: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    texts: dict[str, datetime] = {}
    for text, drafted_at in found:
        if plain := _plain(text):
            texts[plain] = min(drafted_at, texts.get(plain, drafted_at))
    return texts


def _key(address: str) -> StatusKey:
    """From https://fog.example/users/me/statuses/1 or https://fog.example/@me/1."""
    return _host(address), address.rpartition("/")[2]


def _host(address: str) -> str:
    """The server in an address; "" if there is none, as in the ids of other services."""
    try:
        return urlsplit(address).netloc.casefold()
    except ValueError:  # a bracket that is never closed
        return ""


def _plain(text: str) -> str:
    """A text without what services change: links, which they write anew, and servers of handles."""
    return " ".join(_SERVER_OF_HANDLE.sub(r"\1", LINK.sub(" ", text)).split())
