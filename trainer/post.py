"""A post as the archive had it, once an archive's own format is behind us."""

from datetime import datetime
from typing import Literal, NamedTuple

Kind = Literal["original", "note", "self_reply", "reply", "quote", "retweet"]


class Post(NamedTuple):
    """One post read from an archive, its text unescaped but not yet cleaned.

    A tuple, as there are many: a frozen dataclass takes four times as long to build.
    """

    id: str
    created_at: datetime | None  # aware, UTC; None where the archive does not say
    text: str
    kind: Kind
    tags: tuple[str, ...] = ()  # what the archive marks: "#Hashtag", "@handle Display Name"
    language: str | None = None
    reply_to: str | None = None  # the post this one continues, if that may be the author's own
    edit_of: str | None = None  # the first version's id, where the archive has several versions
    is_private: bool = False  # shown to a chosen few, such as X's Circle: never learnt from
