"""Reads an X (Twitter) archive: the zip, the unpacked folder, or one `tweets.js` of it.

Opens the posts, the long posts, the Circle's list, the manifest and the account's id; never direct
messages, likes or deleted posts.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from trainer.archives.files import Files
from trainer.archives.notes import Notes
from trainer.archives.records import read_records
from trainer.archives.tally import Tally
from trainer.archives.tweet import Tweet, to_post
from trainer.post import Post

# Not `tweet*.js`: tweet-headers.js has no texts. `tweet.js` is the name from 2019 to 2022.
POSTS_FILE = re.compile(r"tweets?(-part\d+)?\.js")
NOTES_FILE = re.compile(r"note-tweets?(-part\d+)?\.js")
CIRCLE_FILE = re.compile(r"twitter-circle-tweets?(-part\d+)?\.js")
# X ran its Circle in these months; its posts stand unmarked among the others.
CIRCLE_BEGAN = datetime(2022, 8, 1, tzinfo=UTC)
CIRCLE_ENDED = datetime(2023, 11, 30, tzinfo=UTC)


class _File(msgspec.Struct):
    fileName: str = ""  # noqa: N815 - X's name
    count: str | int | None = None


class _DataType(msgspec.Struct):
    files: list[_File] = []


class _User(msgspec.Struct):
    accountId: str = ""  # noqa: N815 - X's name


class _Manifest(msgspec.Struct):
    dataTypes: dict[str, _DataType] = {}  # noqa: N815 - X's name
    userInfo: _User = msgspec.field(default_factory=_User)  # noqa: N815 - X's name


class _Account(msgspec.Struct):
    account: _User = msgspec.field(default_factory=_User)  # its e-mail address is not read


def find_posts_files(files: Files) -> list[str]:
    """Names of the files with posts, in the topmost folder that has any."""
    found = [n for n in files.names() if POSTS_FILE.fullmatch(_base(n))]
    found = [n for n in found if not n.startswith("__MACOSX/")]
    top = min((_folder(n) for n in found), key=lambda f: (f.count("/"), f), default="")
    return sorted((n for n in found if _folder(n) == top), key=lambda n: (len(n), n))


class XArchive:
    """An X archive whose posts are read from the files `names`."""

    kind = "x"

    def __init__(self, files: Files, names: list[str], tally: Tally) -> None:
        self._files, self._names, self._tally = files, names, tally
        folder = _folder(names[0])
        self._beside = {_base(n): n for n in files.names() if _folder(n) == folder}
        notes, circle = self._matching(NOTES_FILE), self._matching(CIRCLE_FILE)
        tally.total_bytes = sum(map(files.size, (*names, *notes, *circle)))
        self._manifest = self._read_manifest()

    def posts(self) -> Iterator[Post]:
        """Yield every post, in the archive's order."""
        notes = Notes()
        for name in self._matching(NOTES_FILE):
            notes.read(self._files, name, self._tally)
        circle = {
            t.id_str or str(t.id)
            for name in self._matching(CIRCLE_FILE)
            for t in self._tweets(name)
        }
        own_id = self._manifest.userInfo.accountId or self._account_id()
        of_circle_years = 0
        for name in self._names:
            read = 0
            for tweet in self._tweets(name):
                read += 1
                post = to_post(tweet, own_id, circle, notes)
                if post is None:
                    self._tally.unreadable += 1
                    continue
                if post.created_at and CIRCLE_BEGAN <= post.created_at <= CIRCLE_ENDED:
                    of_circle_years += 1
                yield post
            self._compare_with_manifest(name, read)
        if of_circle_years:
            self._tally.warnings.append(
                f"{of_circle_years} posts are from the time of X's Circle (August 2022 to November"
                f" 2023), and the archive's list of Circle posts ({len(circle)} in it) may be"
                " incomplete: if you used the Circle, look through posts.jsonl."
            )

    def _tweets(self, name: str) -> Iterator[Tweet]:
        with self._files.open(name) as file:
            for row in read_records(file, name, Tweet, self._tally):
                yield row.tweet or row  # some archives have the records bare

    def _matching(self, pattern: re.Pattern[str]) -> list[str]:
        return sorted(name for base, name in self._beside.items() if pattern.fullmatch(base))

    def _read_manifest(self) -> _Manifest:
        name = self._beside.get("manifest.js")
        if name is None:
            return _Manifest()
        with self._files.open(name) as file:
            _, _, config = file.read().partition(b"=")
        try:
            manifest = msgspec.json.decode(config, type=_Manifest)
        except ValueError:
            self._tally.warnings.append("manifest.js cannot be read: its counts are not checked.")
            return _Manifest()
        there = {_base(n) for n in self._files.names()}
        listed = {_base(f.fileName) for t in manifest.dataTypes.values() for f in t.files}
        for missing in sorted(n for n in listed - there if POSTS_FILE.fullmatch(n)):
            self._tally.warnings.append(f"The manifest lists {missing}, which is not there.")
        return manifest

    def _compare_with_manifest(self, name: str, read: int) -> None:
        listed = (f for t in self._manifest.dataTypes.values() for f in t.files)
        counts = [str(f.count) for f in listed if _base(f.fileName) == _base(name)]
        if counts and counts[0].isdecimal() and int(counts[0]) != read:
            self._tally.warnings.append(
                f"{_base(name)} holds {read} posts, but the manifest says {counts[0]}."
            )

    def _account_id(self) -> str:
        name = self._beside.get("account.js")
        if name is None:
            return ""
        with self._files.open(name) as file:
            accounts = list(read_records(file, name, _Account, Tally()))
        return accounts[0].account.accountId if accounts else ""


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _folder(name: str) -> str:
    return name[: -len(_base(name))]
