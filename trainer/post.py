"""A post as the archive had it, once an archive's own format is behind us."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["original", "note", "self_reply", "reply", "quote", "retweet"]


@dataclass(frozen=True, slots=True)
class Post:
    """One post read from an archive, its text unescaped but not yet cleaned."""

    id: str
    created_at: datetime | None  # aware, UTC; None where the archive does not say
    text: str
    kind: Kind
    tags: tuple[str, ...] = ()  # hashtags and names the archive itself marks, without # and @
    language: str | None = None
