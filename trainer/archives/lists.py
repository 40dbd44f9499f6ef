"""Reads a list of posts: JSON Lines, a JSON list, a list inside of a JSON object, or a table.

shapes.py says which service wrote it, and how one record of it is read. All must be one author's.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import msgspec

from trainer.archives.dates import Dates
from trainer.archives.encoding import find_encoding
from trainer.archives.entry import Entry, Tools, entry_of, known
from trainer.archives.files import Files, base_name
from trainer.archives.lines import delimiter, read_json_lines, read_json_list, read_table
from trainer.archives.markup import Html
from trainer.archives.plain import DATE, TEXT_SHOWN
from trainer.archives.post import Post, Tally, Unreadable
from trainer.archives.records import LONGEST_RECORD
from trainer.archives.shapes import PLAIN, Shape, shape_of
from trainer.errors import ArchiveError

SAMPLED = 100  # records whose fields tell the shape
LONGEST_OBJECT = 1 << 29  # bytes; an object is read as a whole, as nothing says where its list is
# What exports call a list of one's own posts; others, such as `favourites`, are somebody else's.
OWN_LISTS = (
    *("statuses", "posts", "tweets", "notes", "messages", "ordereditems", "items", "data"),
    *("children", "feed", "entries", "records", "results"),
)
# UTF-8 that somebody read as Windows' encoding: caf\u00c3\u00a9.
_GARBLED = re.compile(r"\w*(?:[ÃÂ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–˜™š›œŸ]|â€[\x80-\xbfœ™˜¦“”\x9d])\w*")
_Rows = Callable[[Tally], Iterator[tuple[int, object]]]
_Object = dict[str, msgspec.Raw]


class PostList:
    """A list of records of one shape."""

    def __init__(self, shape: Shape, kind: str, rows: _Rows, name: str, tally: Tally) -> None:
        """`rows` begins to read the records anew each time it is called."""
        if shape.build is None:
            raise ArchiveError(f"{name} is a list of {shape.service}. {shape.advice}")
        self.kind = shape.kind or kind
        self._build, self._shape = shape.build, shape
        self._rows, self._name, self._tally = rows, name, tally
        self._authors: dict[tuple[str, ...], str] = {}
        if shape.note:
            tally.warnings.append(shape.note)

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield the post of every record, in the file's order."""
        tools, garbled, example = Tools(Html(), Dates(self._tally, self._dates)), 0, ""
        for number, row in self._rows(self._tally):
            if not isinstance(row, Mapping):
                yield row if isinstance(row, Unreadable) else Unreadable(f"line-{number}")
            elif row:
                entry = entry_of(f"line-{number}", _unwrapped(row))
                post = self._build(entry, tools)
                if isinstance(post, Post) and post.kind != "retweet":
                    self._check_author(entry)
                    if found := not post.text.isascii() and _GARBLED.search(post.text):
                        garbled, example = garbled + 1, example or found[0]
                yield post
        tools.dates.tell()
        if garbled:
            self._tally.warnings.append(
                f"{garbled:,} posts hold letters such as {example[:20]!r}: another program saved"
                f" {self._name} in a wrong encoding. Export it anew as UTF-8."
            )

    def _dates(self) -> Iterator[object]:
        for number, row in self._rows(Tally(encoding=self._tally.encoding)):
            if isinstance(row, Mapping):
                yield entry_of(str(number), _unwrapped(row)).first(*DATE)

    def _check_author(self, entry: Entry) -> None:
        for path in self._shape.author:
            author = known(entry.inside(*path))
            if author and self._authors.setdefault(path, author) != author:
                raise ArchiveError(
                    f"{self._name} holds posts of several authors: {self._authors[path][:40]!r} and"
                    f" {author[:40]!r} ({'.'.join(path)}). Keep only your own posts in it."
                )


def open_list(files: Files, name: str, tally: Tally) -> PostList | None:
    """The reader of a bare JSON list; None if its records have no text."""
    encoding = find_encoding(files, name, tally)

    def rows(tally: Tally) -> Iterator[tuple[int, object]]:
        return read_json_list(files, name, encoding, tally)

    return _opened(rows, "jsonl", files, name, tally)


def open_braces(files: Files, name: str, tally: Tally) -> PostList:
    """The reader of a file that begins with an object: one a line, or one that holds a list.

    Raises ArchiveError if the object holds no list that is known.
    """
    encoding = find_encoding(files, name, tally)

    def lines(tally: Tally) -> Iterator[tuple[int, object]]:
        return read_json_lines(files, name, encoding, tally)

    def pages(tally: Tally) -> Iterator[tuple[int, object]]:
        for number, page in lines(tally):
            found = _own_list(msgspec.json.decode(msgspec.json.encode(page), type=_Object))
            rows = found[1] if found else [msgspec.Raw(b"null")]
            yield from ((number, msgspec.json.decode(row)) for row in rows)

    try:
        first = next(lines(Tally()), (0, None))[1]
    except ArchiveError:  # it is no object a line: then a single one, or damaged
        whole = _whole(files, name, encoding)
        if whole is None or (not any(_lists(whole)) and files.size(name) > LONGEST_RECORD):
            raise
        return _in_object(whole, files, name, tally)
    if isinstance(first, Mapping) and shape_of([_unwrapped(first)]) is None and _lists_in(first):
        _check_object(first, name)
        if not _own_list(msgspec.json.decode(msgspec.json.encode(first), type=_Object)):
            raise _unknown_object(name, first)
        return _opened(pages, "jsonl", files, name, tally) or _plain(lines, files, name, tally)
    if found := _opened(lines, "jsonl", files, name, tally):
        return found
    raise ArchiveError(
        f"The objects of {base_name(name)} have no text: none of the keys {TEXT_SHOWN}."
        " Rename the key of your posts to text."
    )


def open_table(files: Files, name: str, header: list[str], tally: Tally) -> PostList | None:
    """The reader of a table with this header; None if it has no column for a text."""
    shape = shape_of([dict.fromkeys(header)])
    if shape is None:
        return None
    encoding = find_encoding(files, name, tally)

    def rows(tally: Tally) -> Iterator[tuple[int, object]]:
        return enumerate(read_table(files, name, encoding, tally), 1)

    tally.total_bytes += files.size(name)
    return PostList(shape, "csv", rows, base_name(name), tally)


def columns(header: str) -> list[str]:
    """The names in the first line of a table."""
    cells = next(csv.reader([header], delimiter=delimiter(header)), [])
    return [name.strip().lower() for name in cells]


def _opened(rows: _Rows, kind: str, files: Files, name: str, tally: Tally) -> PostList | None:
    found = islice((row for _, row in rows(Tally()) if isinstance(row, Mapping)), SAMPLED)
    shape = shape_of(map(_unwrapped, found))
    if shape is None:
        return None
    tally.total_bytes += files.size(name)
    return PostList(shape, kind, rows, base_name(name), tally)


def _plain(rows: _Rows, files: Files, name: str, tally: Tally) -> PostList:
    tally.total_bytes += files.size(name)
    return PostList(PLAIN, "jsonl", rows, base_name(name), tally)


def _unwrapped(row: Mapping[str, object]) -> Mapping[str, object]:
    """The record itself, where it stands alone inside of another, as on Reddit."""
    inner = row.get("data") if row.keys() == {"kind", "data"} else None
    return inner if isinstance(inner, Mapping) else row


def _whole(files: Files, name: str, encoding: str) -> _Object | None:
    """The file as one object, if it is one."""
    if files.size(name) > LONGEST_OBJECT:
        return None
    with files.open(name) as file:
        content = file.read().removeprefix(b"\xef\xbb\xbf")
    if encoding != "utf-8-sig":
        content = content.decode(encoding, "replace").encode()
    try:
        return msgspec.json.decode(content, type=_Object)
    except ValueError:
        return None


def _in_object(whole: _Object, files: Files, name: str, tally: Tally) -> PostList:
    shown = {key: msgspec.json.decode(raw) for key, raw in whole.items() if len(bytes(raw)) < 200}
    _check_object(shown, name)
    found = _own_list(whole)
    if found is None:
        lists = {key: [None] * len(rows) for key, rows in _lists(whole)}
        raise _unknown_object(name, lists or dict.fromkeys(whole))

    def rows(tally: Tally) -> Iterator[tuple[int, object]]:
        for number, row in enumerate(found[1], 1):
            tally.bytes_read += len(bytes(row))
            yield number, msgspec.json.decode(row)

    tally.total_bytes += files.size(name)
    return PostList(found[0], "jsonl", rows, base_name(name), tally)


def _own_list(whole: _Object) -> tuple[Shape, list[msgspec.Raw]] | None:
    """The list in an object that is one's own posts, and its shape."""
    found = []
    for key, rows in _lists(whole):
        last = key.rpartition(".")[2].lower()
        sample = [r for r in map(msgspec.json.decode, rows[:SAMPLED]) if isinstance(r, Mapping)]
        if last in OWN_LISTS and (shape := shape_of(map(_unwrapped, sample))):
            found.append((shape is PLAIN, OWN_LISTS.index(last), shape, rows))
    best = min(found, key=lambda f: f[:2], default=None)
    return None if best is None else best[2:]


def _lists(whole: _Object, depth: int = 2) -> Iterator[tuple[str, list[msgspec.Raw]]]:
    """The lists in an object and in the objects in it, by their keys."""
    for key, raw in whole.items():
        begin = bytes(raw)[:1]
        if begin == b"[":
            yield key, msgspec.json.decode(raw, type=list[msgspec.Raw])
        elif begin == b"{" and depth > 1:
            inner = msgspec.json.decode(raw, type=_Object)
            yield from ((f"{key}.{k}", rows) for k, rows in _lists(inner, depth - 1))


def _lists_in(value: Mapping[str, object], depth: int = 2) -> list[str]:
    """The keys of the lists of objects in an object."""
    found = []
    for key, inner in value.items():
        if isinstance(inner, list) and any(isinstance(row, Mapping) for row in inner):
            found.append(key)
        elif isinstance(inner, Mapping) and depth > 1:
            found += [f"{key}.{k}" for k in _lists_in(inner, depth - 1)]
    return found


def _check_object(value: Mapping[str, object], name: str) -> None:
    """Refuse a chat of Telegram's, which only a public channel is not."""
    kind = value.get("type")
    if isinstance(kind, str) and kind.endswith(("_chat", "group", "_channel", "_messages")):
        if kind != "public_channel":
            raise ArchiveError(
                f"{base_name(name)} is a chat of Telegram's ({kind[:40]}), which is private or of"
                " several people. Only a public channel of your own is read: export it as JSON."
            )
    elif "chats" in value and "personal_information" in value:
        raise _telegrams_all(name)


def _telegrams_all(name: str) -> ArchiveError:
    return ArchiveError(
        f"{base_name(name)} is Telegram's export of everything, private chats too. Export your"
        " public channel alone, as JSON."
    )


def _unknown_object(name: str, value: Mapping[str, object]) -> ArchiveError:
    if "chats" in value or "chats.list" in value:
        return _telegrams_all(name)
    counts = [f"`{k[:40]}` ({len(v)})" for k, v in value.items() if isinstance(v, list)]
    what = f"the lists {', '.join(counts[:6])}" if counts else "no list"
    if len(counts) == 1:
        what = f"the list {counts[0]}"
    return ArchiveError(
        f"{base_name(name)} is one JSON object with {what}, and none is known as posts of one's"
        " own. Give the list of your posts by itself, as JSON Lines or a JSON list of objects with"
        f" one of the keys {TEXT_SHOWN}."
    )
