"""Reads an archive to its end, for tests."""

from dataclasses import dataclass
from pathlib import Path

from trainer.archives import Tally, open_archives, posts_of
from trainer.archives.post import Post, Unreadable


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the archives at one path gave."""

    kinds: list[str]
    posts: list[Post]
    unreadable: list[str]
    tally: Tally

    @property
    def texts(self) -> list[str]:
        """The posts' texts."""
        return [post.text for post in self.posts]

    @property
    def kind(self) -> str:
        """The kind of the only archive."""
        (kind,) = self.kinds
        return kind

    def __getitem__(self, key: str) -> Post:
        return next(post for post in self.posts if post.id == key)


def read(path: Path) -> Reading:
    """Read all archives at `path`."""
    found = open_archives(path)
    rows = [row for one in found for row in posts_of(one.archive, path)]
    tally = Tally(
        sum(one.tally.total_bytes for one in found),
        sum(one.tally.bytes_read for one in found),
        [warning for one in found for warning in one.tally.warnings],
    )
    return Reading(
        [one.archive.kind for one in found],
        [row for row in rows if isinstance(row, Post)],
        [row.id for row in rows if isinstance(row, Unreadable)],
        tally,
    )
