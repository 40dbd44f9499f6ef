"""Reads the Threads posts of an Instagram export in JSON: `threads_and_replies.json`.

Opens nothing else of the export. It has no ids, so they are made from time and text.
"""

from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.files import Files, base_name
from trainer.archives.post import Post, Tally, Unreadable
from trainer.archives.records import HEAD, list_in_object, read_records

THREADS_POSTS = list_in_object("text_post_app_text_posts")


class _TextPost(msgspec.Struct, gc=False):
    is_reply: bool = False  # only in newer exports


class _Media(msgspec.Struct, gc=False):
    title: str | None = None
    creation_timestamp: int | float | None = None
    text_app_post: _TextPost | None = None


class _Entry(msgspec.Struct, gc=False):
    media: list[_Media] = []
    title: str | None = None  # the text, where there are several media
    creation_timestamp: int | float | None = None
    text_app_post: _TextPost | None = None


class ThreadsArchive:
    """An export with its posts in the files `names`."""

    kind = "threads"

    def __init__(self, files: Files, names: list[str], tally: Tally) -> None:
        self._files, self._names, self._tally = files, names, tally
        tally.total_bytes += sum(map(files.size, names))

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post and reply, in the export's order."""
        for name in self._names:
            with self._files.open(name) as file:
                head = HEAD if HEAD.match(file.read(1 << 10)) else THREADS_POSTS
            with self._files.open(name) as file:
                rows = read_records(file, base_name(name), _Entry, self._tally, head)
                for place, row in enumerate(rows, 1):
                    post = row if isinstance(row, Unreadable) else _to_post(row)
                    yield post or Unreadable(f"{base_name(name)} record {place}")


def repaired(text: str) -> str:
    """Undo Meta's habit of writing each byte of UTF-8 as a character."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _to_post(entry: _Entry) -> Post | None:
    titles = [entry.title, *(media.title for media in entry.media)]
    times = [entry.creation_timestamp, *(media.creation_timestamp for media in entry.media)]
    written = [t for t in titles if t is not None]
    time = next((t for t in times if t), None)
    if not written and time is None:
        return None
    text = next((t for t in map(repaired, written) if t.strip()), "")
    marks = [entry.text_app_post, *(media.text_app_post for media in entry.media)]
    return Post(
        id=_made_id(time, text),
        created_at=read_date(time),
        text=text,
        kind="reply" if any(mark and mark.is_reply for mark in marks) else "original",
    )


def _made_id(time: float | None, text: str) -> str:
    return "threads-" + blake2b(f"{time} {text}".encode(), digest_size=8).hexdigest()
