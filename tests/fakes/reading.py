"""Reads an archive to its end, for tests."""

from dataclasses import dataclass
from pathlib import Path

from trainer.archives import Tally, open_archive, posts_of
from trainer.archives.post import Post, Unreadable


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one archive gave."""

    kind: str
    posts: list[Post]
    unreadable: list[str]
    tally: Tally

    @property
    def texts(self) -> list[str]:
        """The posts' texts."""
        return [post.text for post in self.posts]

    def __getitem__(self, key: str) -> Post:
        return next(post for post in self.posts if post.id == key)


def read(path: Path) -> Reading:
    """Read the archive at `path`."""
    tally = Tally()
    archive = open_archive(path, tally)
    rows = list(posts_of(archive, path))
    return Reading(
        archive.kind,
        [row for row in rows if isinstance(row, Post)],
        [row.id for row in rows if isinstance(row, Unreadable)],
        tally,
    )
