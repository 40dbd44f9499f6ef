"""What every reader yields whatever its format: posts, unreadable records, and a tally."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

PostKind = Literal["original", "note", "self_reply", "reply", "quote", "retweet"]
# private: for followers or friends, or not published at all; circle: for a few chosen ones
Visibility = Literal["public", "unlisted", "private", "direct", "circle"]


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
    visibility: Visibility = "public"
    links: tuple[str, ...] = ()  # as they stand in the text, where the archive marks them
    quote_of: str | None = None  # the post this one quotes, if that may be the author's own
    updated_at: datetime | None = None  # of an edited post: of two with its id the later counts
    is_bare: bool = False  # the handles that a service puts in front of a reply are removed


@dataclass(slots=True)
class Tally:
    """Progress and warnings of one reading, which the reader fills in."""

    total_bytes: int = 0
    bytes_read: int = 0
    warnings: list[str] = field(default_factory=list)
    encoding: str | None = None  # of plain files, where a person named it
