"""What every reader yields whatever its format: posts, unreadable records, and a tally."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

PostKind = Literal["original", "note", "self_reply", "reply", "quote", "retweet"]
Visibility = Literal["public", "unlisted", "private", "direct"]


class Unreadable(NamedTuple):
    """A record of an archive that is no post: damaged, or without a text."""

    id: str  # its own if it has one, else its place, like "tweets.js record 17"


class Post(NamedTuple):
    """One post read from an archive, its text unescaped but not yet cleaned.

    A tuple, as there are many: a frozen dataclass takes four times as long to build.
    """

    id: str
    created_at: datetime | None  # aware, UTC; None where the archive does not say
    text: str
    kind: PostKind
    tags: tuple[str, ...] = ()  # what the archive marks: "#Hashtag", "@handle Display Name"
    language: str | None = None
    reply_to: str | None = None  # the post this one continues, if that may be the author's own
    edit_of: str | None = None  # the first version's id, where the archive has several versions
    visibility: Visibility = "public"  # private: for a chosen few, such as followers or X's Circle


@dataclass(slots=True)
class Tally:
    """Progress and warnings of one reading; the reader fills it in."""

    total_bytes: int = 0
    bytes_read: int = 0
    warnings: list[str] = field(default_factory=list)
