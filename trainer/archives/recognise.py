"""Recognises all the archives that lie at a path: one, or several in a folder, a zip or a tar.

Whatever is not read is named, but for pictures and what belongs to an archive that is read.
"""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from trainer.archives.files import (
    Files,
    FolderFiles,
    TarFiles,
    ZipFiles,
    base_name,
    folder_of,
    is_litter,
)
from trainer.archives.grailbird import MONTH_FILE
from trainer.archives.one_file import ACCEPTED, HEAD_BYTES, Archive, check_global, open_file
from trainer.archives.post import Tally
from trainer.archives.threads import ThreadsArchive
from trainer.archives.x import XArchive
from trainer.errors import ArchiveError, NoPostsError

PACKED = re.compile(r".*\.(?:zip|tar|tgz|tar\.gz)", re.IGNORECASE)
LIST = re.compile(
    r"(?:.*/)?(?:[^/]*\.(?:csv|tsv|jsonl?|ndjson|txt|xml|html?)|[^./]+)", re.IGNORECASE
)
PICTURE = re.compile(
    r".*\.(?:jpe?g|png|gif|webp|heic|avif|svg|ico|mp[34]|m4[av]|mov|webm|ogg|wav|css|woff2?|ttf)",
    re.IGNORECASE,
)
WEB_PAGE = re.compile(r"(?:.*/)?(?:start_here|threads_and_replies(?:_\d+)?|Your archive)\.html")
OFFICE = frozenset(("[Content_Types].xml", "content.xml"))  # in docx and xlsx; in odt and ods
MOST_NAMED = 5

Open = Callable[[Files, list[str], Path, Tally], Archive]


class FoundArchive(NamedTuple):
    """An archive that was found, its tally, and where it lies within the path."""

    archive: Archive
    tally: Tally
    name: str


class Layout(NamedTuple):
    """Where an archive keeps its posts, and what else it consists of."""

    posts: re.Pattern[str]  # the files with posts, whose folder stands in `inner` of the archive's
    inner: str
    others: re.Pattern[str]  # its other files, from its own folder on
    open: Open


def _open_first(files: Files, names: list[str], path: Path, tally: Tally) -> Archive:
    return open_file(files, names[0], path, tally)


def _open_x(files: Files, names: list[str], path: Path, tally: Tally) -> Archive:
    for name in names:
        with files.open(name) as file:
            check_global(file.read(HEAD_BYTES), path)
    return _open_months(files, names, path, tally)


def _open_months(files: Files, names: list[str], path: Path, tally: Tally) -> Archive:
    return XArchive(files, names, tally)


def _open_threads(files: Files, names: list[str], path: Path, tally: Tally) -> Archive:
    return ThreadsArchive(files, names, tally)


_OF_X = re.compile(
    r"(?:data|assets|js|lib|css|img)/.*|[\w-]+\.js|tweets\.csv"
    r"|Your archive\.html|README\.txt|index\.html"
)
_OF_META = re.compile(
    r"(?:\w*(?:instagram|facebook|threads)\w*|personal_information|connections|media|files"
    r"|preferences|\w+_information|apps_and_websites\w*|messages|posts)/.*|(?:start_here|index)\.html"
)
# Not `tweet*.js`: tweet-headers.js has no texts. `tweet.js` is the name from 2019 to 2022.
LAYOUTS = (
    Layout(re.compile(r"(?:.*/)?tweets?(-part\d+)?\.js"), "data/", _OF_X, _open_x),
    Layout(MONTH_FILE, "data/js/tweets/", _OF_X, _open_months),
    Layout(re.compile(r"(?:.*/)?tweets\.csv"), "", _OF_X, _open_first),
    Layout(
        re.compile(r"(?:.*/)?outbox\.json"),
        "",
        re.compile(r"(?:actor|likes|bookmarks)\.json|media_attachments/.*"),
        _open_first,
    ),
    Layout(
        re.compile(r"(?:.*/)?threads_and_replies(?:_\d+)?\.json"),
        "your_instagram_activity/threads/",
        _OF_META,
        _open_threads,
    ),
    Layout(
        re.compile(r"(?:.*/)?your_posts(?:_[^/]*)?\.json"),
        "your_facebook_activity/posts/",
        _OF_META,
        _open_first,
    ),
    Layout(
        re.compile(r"(?:.*/)?result\.json"), "", re.compile(r"(?:files|photos)/.*"), _open_first
    ),
    Layout(re.compile(r"(?i:.*\.car)"), "", re.compile(r"blobs/.*"), _open_first),
)


def recognise(path: Path, encoding: str | None = None) -> list[FoundArchive]:
    """The readers of all that lies at `path`.

    Raises ArchiveError if something there cannot be read, NoPostsError if nothing there is posts.
    """
    if path.is_dir():
        return _Container(FolderFiles(path), path, encoding).found()
    if not path.exists():
        raise ArchiveError(f"There is no file or folder {path}. Check the path. {ACCEPTED}")
    if not path.is_file():
        raise ArchiveError(f"{path} is neither a file nor a folder. {ACCEPTED}")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        raise ArchiveError(f"{path} is empty. Download the archive again.")
    if zipfile.is_zipfile(path):
        return _Container(ZipFiles(path), path, encoding).found()
    if head.startswith(b"PK\x03\x04"):
        raise ArchiveError(f"{path} is a zip that stops in the middle. Download it again.")
    if head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
        return _Container(TarFiles(path), path, encoding).found()
    tally = Tally(encoding=encoding)
    try:
        archive = open_file(FolderFiles(path.parent, depth=0), path.name, path, tally)
    except NoPostsError as e:
        raise ArchiveError(str(e)) from e  # a file that was named is meant to be read
    return [FoundArchive(archive, tally, path.name)]


class _Container:
    """The archives in a folder, a zip or a tar."""

    def __init__(self, files: Files, path: Path, encoding: str | None) -> None:
        self._files, self._path, self._encoding = files, path, encoding
        self._found: list[FoundArchive] = []
        mine = (n for n in files.names() if not is_litter(n))
        self._left = sorted(mine, key=lambda n: (n.count("/"), len(n), n))
        self._is_alone = len(self._left) == 1  # a single file that was packed by hand
        self._refused: dict[str, ArchiveError] = {}

    def found(self) -> list[FoundArchive]:
        """All archives. Raises NoPostsError if there is none."""
        for layout in LAYOUTS:
            self._take_all(layout)
        if isinstance(self._files, FolderFiles):
            for name in filter(PACKED.fullmatch, tuple(self._left)):
                self._try_packed(name)
        files = [n for n in self._left if not PICTURE.fullmatch(n)]
        top = min((n.count("/") for n in files), default=0)
        for name in [n for n in files if n.count("/") == top]:
            if LIST.fullmatch(name) or (self._is_alone and not name.endswith(".js")):
                self._take([name], name, _open_first)
        if not self._found:
            raise self._nothing()
        self._tell()
        return self._found

    def _take_all(self, layout: Layout) -> None:
        """Take all archives of a layout, the topmost first: it may hold others' files."""
        while first := next(filter(layout.posts.fullmatch, self._left), None):
            folder = folder_of(first)
            root = folder[: -len(layout.inner)] if folder.endswith(layout.inner) else folder
            if not layout.inner:
                names = [first]
            else:
                names = [n for n in self._left if folder_of(n) == folder]
                names = [n for n in names if layout.posts.fullmatch(n)]
            self._take(names, root if layout.inner else first, layout.open)
            self._left = [
                n
                for n in self._left
                if n not in names
                and not (n.startswith(root) and layout.others.fullmatch(n[len(root) :]))
            ]

    def _take(self, names: list[str], label: str, open_: Open) -> None:
        tally = Tally(encoding=self._encoding)
        try:
            archive = open_(self._files, names, self._path, tally)
        except ArchiveError as e:
            self._refused[names[0]] = e
            return
        name = f"{self._path.name}/{label}".rstrip("/")
        self._found.append(FoundArchive(archive, tally, name))
        self._left = [n for n in self._left if n not in names]

    def _try_packed(self, name: str) -> None:
        try:
            self._found += recognise(self._path / name, self._encoding)
        except ArchiveError as e:
            self._refused[name] = e
        else:
            self._left.remove(name)

    def _nothing(self) -> ArchiveError:
        """Why there is nothing to read."""
        if any(base_name(n) in OFFICE for n in self._left):
            return ArchiveError(
                f"{self._path} is a document of an office program."
                " Save the table in it as CSV with UTF-8."
            )
        for page in filter(WEB_PAGE.fullmatch, self._left):
            self._take([page], page, _open_first)
            return self._refused[page]
        for why in self._refused.values():
            if self._is_alone or not isinstance(why, NoPostsError):
                return ArchiveError(str(why))
        if packed := [n for n in self._left if PACKED.fullmatch(n)][:MOST_NAMED]:
            what = f"another archive, {packed[0]}" if len(packed) == 1 else ", ".join(packed)
            return ArchiveError(f"{self._path} holds {what}. Unpack it and give that.")
        return NoPostsError(
            f"{self._path} holds no posts: there is no data/tweets.js, outbox.json,"
            f" threads_and_replies.json or list of posts in it. {ACCEPTED}"
        )

    def _tell(self) -> None:
        """Note what was read, if it is several, and what was not."""
        warnings = self._found[0].tally.warnings
        if len(self._found) > 1:
            names = ", ".join(f"{f.name} ({f.archive.kind})" for f in self._found[:20])
            warnings.append(f"{self._path.name} holds {len(self._found)} archives: {names}.")
        for name, why in tuple(self._refused.items())[:MOST_NAMED]:
            # dataset.json keeps the notes: the first sentence, without the folders of a person
            short = (
                str(why).replace(f"{self._path / name} ", "it ").replace(f"{self._path} ", "it ")
            )
            warnings.append(
                f"{base_name(name)} was not read: {short.partition('. ')[0].rstrip('.')}."
            )
        left = [n for n in self._left if n not in self._refused and not PICTURE.fullmatch(n)]
        left += self._files.skipped if isinstance(self._files, FolderFiles) else []
        if left:
            more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
            warnings.append(f"Not read in {self._path.name}: {', '.join(left[:MOST_NAMED])}{more}.")
