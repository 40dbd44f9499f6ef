"""The files of an archive, whether zipped, in a tar, or unpacked.

Opens only the names that a reader requests, so messages and likes are never read. Writes nothing.
Refuses what no export holds: paths that climb out, links, and bombs.
"""

import gzip
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Protocol, cast

from trainer.errors import ArchiveError

DEPTH = 8  # folders: your_instagram_activity/threads, data/js/tweets, in folders of one's own
# The folders of pictures, by their exact names: people name their backups "social-media" too.
MEDIA = frozenset(
    f"{of}media"
    for of in (
        *("", "tweets_", "tweet_", "deleted_tweets_", "community_tweet_", "twitter_circle_tweet_"),
        *("direct_messages_", "direct_messages_group_", "moments_", "moments_tweets_", "profile_"),
        *("article_", "grok_chat_", "periscope_"),
    )
) | {"media_attachments"}
FREE_BYTES = 1 << 30  # unpacked, before anybody asks how much was packed
MOST_TIMES = 200  # posts become twenty times as small; a bomb, a thousand times
LONGEST_HEADER = 1 << 22  # of a tar: names and dates of one file
UNUSUAL = (
    "{path} {what}, which no service's archive does. Nothing of it was read:"
    " download the archive again from the service."
)


class Files(Protocol):
    """Names, sizes and contents of an archive's files."""

    def names(self) -> list[str]:
        """Names of the files, with `/` between folders."""

    def size(self, name: str) -> int:
        """Bytes of the unpacked file."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open one file for reading."""


class ZipFiles:
    """The files of a zip. Raises ArchiveError for paths that climb out, links and bombs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path)
        self._infos = {i.filename.replace("\\", "/"): i for i in self._zip.infolist()}
        for name, info in self._infos.items():
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            _check_name(path, name, "link" if is_link else "file")

    def names(self) -> list[str]:
        return [name for name in self._infos if not name.endswith("/")]

    def size(self, name: str) -> int:
        return self._infos[name].file_size

    def open(self, name: str) -> IO[bytes]:
        info = self._infos[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(
                f"{self._path} is packed in an unusual way. Unpack it and give the folder."
            )
        if info.file_size > FREE_BYTES and info.file_size > MOST_TIMES * info.compress_size:
            raise _bomb(self._path)
        return self._zip.open(info)


class FolderFiles:
    """The files of a folder and its subfolders, down to `depth`, without folders of media.

    Skips links that lead out of the folder; `skipped` names them, and folders that are too deep.
    """

    def __init__(self, folder: Path, depth: int = DEPTH) -> None:
        self._folder, self._depth = folder, depth
        self.skipped: list[str] = []

    def names(self) -> list[str]:
        inside = self._folder.resolve()
        self.skipped = []
        found = list[str]()
        for where, folders, files in os.walk(self._folder):
            here = Path(where)
            depth = len(here.relative_to(self._folder).parts)
            deep = [] if depth < self._depth else folders
            self.skipped += [(here / f).relative_to(self._folder).as_posix() for f in deep]
            folders[:] = [f for f in folders if f not in MEDIA and f not in deep]
            for file in map(here.joinpath, files):
                name = file.relative_to(self._folder).as_posix()
                if not file.is_file() or is_litter(name):
                    continue
                is_inside = file.resolve().is_relative_to(inside)
                (found if is_inside else self.skipped).append(name)
        return found

    def size(self, name: str) -> int:
        return (self._folder / name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return (self._folder / name).open("rb")


class TarFiles:
    """The files of a tar or tar.gz, each read by running through it from the beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._members() as members:
            self._sizes = {member.name.removeprefix("./"): member.size for member, _ in members}

    def names(self) -> list[str]:
        return list(self._sizes)

    def size(self, name: str) -> int:
        return self._sizes[name]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with self._members() as members:
            for member, tar in members:
                if member.name.removeprefix("./") == name:
                    file = tar.extractfile(member)
                    assert file is not None
                    yield file
                    return
        raise KeyError(name)

    @contextmanager
    def _members(self) -> Iterator[Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]]:
        with self._path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            with gzip.open(file) if is_packed else file as unpacked:
                stream = _Stream(cast("IO[bytes]", unpacked), self._path)
                try:
                    tar = tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:")  # noqa: SIM115
                except tarfile.ReadError as e:
                    raise ArchiveError(
                        f"{self._path} is packed, but is no tar. Unpack it and give what is in it."
                    ) from e
                yield self._regular(tar, stream)

    def _regular(
        self, tar: tarfile.TarFile, stream: "_Stream"
    ) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
        while True:
            stream.header_left = LONGEST_HEADER
            member = tar.next()
            if member is None:
                stream.finish()
                return
            tar.members.clear()  # type: ignore[attr-defined] # else it remembers every file
            kind = "link" if member.issym() or member.islnk() else "file"
            _check_name(self._path, member.name, kind)
            if member.size < 0 or not (member.isreg() or member.isdir()):
                raise ArchiveError(UNUSUAL.format(path=self._path, what="holds an odd file"))
            if member.isreg():
                stream.header_left = None
                yield member, tar


class _Stream:
    """A bounded stream for `tarfile`, which believes every length in a file."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file, self._path = file, path
        self._most = max(FREE_BYTES, MOST_TIMES * path.stat().st_size)
        self.header_left: int | None = LONGEST_HEADER  # bytes; None while a file is read

    def read(self, size: int) -> bytes:
        if self.header_left is not None:
            self.header_left -= size
            if size < 0 or self.header_left < 0:
                raise ArchiveError(UNUSUAL.format(path=self._path, what="holds an odd file"))
        self._check()
        return self._file.read(size)

    def seek(self, to: int) -> int:
        place = self._file.seek(max(0, min(to, self._most + 1)))
        self._check()
        return place

    def tell(self) -> int:
        return self._file.tell()

    def finish(self) -> None:
        """Read the rest, which raises if the end of a packed file is missing."""
        self.header_left = None
        while self.read(1 << 16):
            pass

    def seekable(self) -> bool:
        return False  # reading text from it needs no way back

    def _check(self) -> None:
        if self._file.tell() > self._most:
            raise _bomb(self._path)


def base_name(name: str) -> str:
    """The name without its folders."""
    return name.rsplit("/", 1)[-1]


def folder_of(name: str) -> str:
    """The folders of a name, with a `/` at the end, or ""."""
    return name[: -len(base_name(name))]


def is_litter(name: str) -> bool:
    """Whether a Mac put the file there for itself, like __MACOSX/._tweets.js or .DS_Store."""
    return "__MACOSX" in name.split("/") or base_name(name).startswith(".")


def _check_name(path: Path, name: str, kind: str) -> None:
    if kind == "link":
        raise ArchiveError(UNUSUAL.format(path=path, what=f"holds the link {name[:80]!r}"))
    parts = PurePosixPath(name).parts
    if ".." in parts or name.startswith("/") or PureWindowsPath(name).drive:
        raise ArchiveError(UNUSUAL.format(path=path, what=f"leads out of itself ({name[:80]!r})"))


def _bomb(path: Path) -> ArchiveError:
    what = f"unpacks to more than {MOST_TIMES} times its size"
    return ArchiveError(UNUSUAL.format(path=path, what=what))
