"""Reads an X (Twitter) archive of any year: the zip, the unpacked folder, or one file of it.

Opens the posts, those in communities, the long posts, the Circle's list, the manifest, the
account's id and name, and when it was locked; never direct messages, likes or deleted posts.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.files import Files, base_name, folder_of
from trainer.archives.grailbird import read_tweets_csv
from trainer.archives.notes import LongPosts, NoteRecord
from trainer.archives.post import Post, Tally, Unreadable
from trainer.archives.records import own_id, read_records
from trainer.archives.tweet import Account, Tweet, post_of_tweet
from trainer.errors import ArchiveError

LISTED_FILE = re.compile(r"tweets?(?!.*header)[\w ().-]*\.js")  # what a manifest may list as posts
COMMUNITY_FILE = re.compile(r"community-tweets?(-part\d+)?\.js")
NOTES_FILE = re.compile(r"note-tweets?(-part\d+)?\.js")
CIRCLE_FILE = re.compile(r"twitter-circle-tweets?(-part\d+)?\.js")
# X ran its Circle in these months; its posts stand unmarked among the others.
CIRCLE_BEGAN = datetime(2022, 8, 1, tzinfo=UTC)
CIRCLE_ENDED = datetime(2023, 11, 30, tzinfo=UTC)
_EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
MOST_IN_CIRCLE = 1_000_000  # in memory; nobody wrote so many in 15 months
LONGEST_MANIFEST = 1 << 24

_R = TypeVar("_R")


class _File(msgspec.Struct):
    fileName: str = ""  # noqa: N815 - X's name
    count: str | int | None = None


class _DataType(msgspec.Struct):
    files: list[_File] = []


class _User(msgspec.Struct):
    accountId: str | int = ""  # noqa: N815 - X's name
    userName: str = ""  # noqa: N815 - its name in the manifest
    username: str = ""  # and in the account


class _ArchiveInfo(msgspec.Struct):
    isPartialArchive: bool = False  # noqa: N815 - X's name


class _Manifest(msgspec.Struct):
    dataTypes: dict[str, _DataType] = {}  # noqa: N815 - X's name
    userInfo: _User = msgspec.field(default_factory=_User)  # noqa: N815 - X's name
    archiveInfo: _ArchiveInfo = msgspec.field(default_factory=_ArchiveInfo)  # noqa: N815 - X's name

    def listed(self, *types: str) -> list[_File]:
        """The files of these types, or of all."""
        return [f for t, d in self.dataTypes.items() if not types or t in types for f in d.files]


class _Owner(msgspec.Struct):
    account: _User = msgspec.field(default_factory=_User)  # its e-mail address is not read


class _Locking(msgspec.Struct):
    protectedAt: str = ""  # noqa: N815 - X's name
    action: str = ""  # Protect or Unprotect


class _Locked(msgspec.Struct):
    protectedHistory: _Locking = msgspec.field(default_factory=_Locking)  # noqa: N815 - X's name


class XArchive:
    """An X archive with its posts in the files `names`."""

    kind = "x"

    def __init__(
        self,
        files: Files,
        names: list[str],
        tally: Tally,
        *,
        whole: bool = True,
        is_table: bool = False,
    ) -> None:
        """With `whole`, trust the manifest, even if it names other files than `names`."""
        self._files, self._names, self._tally, self._is_table = files, names, tally, is_table
        self._folder = folder_of(names[0])
        self._beside = {base_name(n): n for n in files.names() if folder_of(n) == self._folder}
        self._manifest = self._read_manifest()
        if whole:
            self._names = [*self._listed(), *self._matching(COMMUNITY_FILE)]
        others = (*self._matching(NOTES_FILE), *self._matching(CIRCLE_FILE))
        tally.total_bytes += sum(map(files.size, (*self._names, *others)))

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post, in the archive's order; long posts without a cut post come last."""
        with closing(LongPosts()) as notes:
            for name in self._matching(NOTES_FILE):
                yield from notes.add(self._records(name, NoteRecord))
            account = self._account()
            of_circle_years = locked = 0
            posts = (
                self._post(row, name, place, account, notes)
                for name in self._names
                for place, row in enumerate(self._tweets(name), 1)
            )
            for post in chain(posts, notes.lonely()):
                if isinstance(post, Post) and post.created_at:
                    of_circle_years += CIRCLE_BEGAN <= post.created_at <= CIRCLE_ENDED
                    locked += post.visibility == "private"
                yield post
        if of_circle_years:
            self._tally.warnings.append(
                f"{of_circle_years} posts are from the time of X's Circle (August 2022 to November"
                f" 2023), and the archive's list of Circle posts may be incomplete: if you used the"
                " Circle, look through posts.jsonl."
            )
        if account.locked:
            self._tally.warnings.append(
                f"{locked} posts are from a time when the account was locked, so they count as"
                " private. X tells of the last months only: if it was locked before, look through"
                " posts.jsonl."
            )

    def _post(
        self, row: Tweet | Unreadable, name: str, place: int, account: Account, notes: LongPosts
    ) -> Post | Unreadable:
        post = row if isinstance(row, Unreadable) else post_of_tweet(row, account, notes)
        return post if post.id else Unreadable(f"{base_name(name)} record {place}")

    def _tweets(self, name: str) -> Iterator[Tweet | Unreadable]:
        if self._is_table:
            yield from read_tweets_csv(self._files, name, self._tally)
            return
        for row in self._records(name, Tweet):
            # Some archives have the records bare.
            yield row if isinstance(row, Unreadable) else row.tweet or row

    def _records(self, name: str, kind: type[_R]) -> Iterator[_R | Unreadable]:
        """Yield a file's records, and compare their number with the manifest's."""
        read = 0
        with self._files.open(name) as file:
            for row in read_records(file, base_name(name), kind, self._tally):
                read += 1
                yield row
        counts = [str(f.count) for f in self._manifest.listed() if _is_at(f, name)]
        if counts and counts[0].isdecimal() and int(counts[0]) != read:
            self._tally.warnings.append(
                f"{base_name(name)} holds {read} posts, but the manifest says {counts[0]}."
            )

    def _circle(self) -> set[str]:
        circle: set[str] = set()
        for name in self._matching(CIRCLE_FILE):
            for row in self._records(name, dict[str, object]):
                circle.add(own_id(row) or "")
                if len(circle) > MOST_IN_CIRCLE:
                    raise ArchiveError(
                        f"{base_name(name)} lists more posts than anybody can write."
                    )
        if "" in circle:
            self._tally.warnings.append(
                "The archive's list of Circle posts has some without an id, so these are not left"
                " out: if you used the Circle, look through posts.jsonl."
            )
        return circle

    def _matching(self, pattern: re.Pattern[str]) -> list[str]:
        found = [name for base, name in self._beside.items() if pattern.fullmatch(base)]
        return sorted(found, key=lambda n: (len(n), n))

    def _listed(self) -> list[str]:
        """The files that the manifest lists as posts; if it lists none, those found by name."""
        listed = [base_name(f.fileName) for f in self._manifest.listed("tweets", "tweet")]
        listed = [n for n in dict.fromkeys(listed) if LISTED_FILE.fullmatch(n)]
        for missing in (n for n in listed if n not in self._beside):
            self._tally.warnings.append(f"The manifest lists {missing}, which is not there.")
        there = [self._beside[n] for n in listed if n in self._beside]
        if not there:
            return self._names
        for name in (n for n in self._names if n not in there):
            self._tally.warnings.append(
                f"{base_name(name)} is not listed in the manifest, so it was not read."
                " Give that file by itself if it is yours."
            )
        return there

    def _read_manifest(self) -> _Manifest:
        name = self._beside.get("manifest.js")
        if name is None:
            return _Manifest()
        with self._files.open(name) as file:
            _, _, config = file.read(LONGEST_MANIFEST).partition(b"=")
        try:
            manifest = msgspec.json.decode(config.rstrip(b" \t\r\n;"), type=_Manifest)
        except (ValueError, RecursionError):
            self._tally.warnings.append("manifest.js cannot be read: its counts are not checked.")
            return _Manifest()
        if manifest.archiveInfo.isPartialArchive:
            self._tally.warnings.append("The manifest says that this is only a part of an archive.")
        return manifest

    def _account(self) -> Account:
        owner = next(self._rows_of("account.js", _Owner), None)
        stated = self._manifest.userInfo
        user = owner.account if isinstance(owner, _Owner) else _User()
        return Account(
            id=str(stated.accountId or user.accountId),
            name=(stated.userName or user.username).lower(),
            circle=self._circle(),
            locked=self._locked(),
        )

    def _locked(self) -> list[tuple[datetime, datetime]]:
        """When only followers could read the account; X tells of the last six months."""
        events = sorted(
            (at, row.protectedHistory.action.lower())
            for row in self._rows_of("protected-history.js", _Locked)
            if isinstance(row, _Locked) and (at := read_date(row.protectedHistory.protectedAt))
        )
        times, since = [], _EVER[0] if events and events[0][1] == "unprotect" else None
        for at, action in events:
            if action == "protect":
                since = since or at
            elif since:
                times.append((since, at))
                since = None
        return [*times, (since, _EVER[1])] if since else times

    def _rows_of(self, base: str, kind: type[_R]) -> Iterator[_R | Unreadable]:
        """Yield the records of a small file beside the posts, if it is there."""
        if name := self._beside.get(base):
            with self._files.open(name) as file:
                yield from read_records(file, name, kind, Tally())


def _is_at(file: _File, name: str) -> bool:
    return base_name(file.fileName) == base_name(name)
