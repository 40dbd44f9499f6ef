"""The files of an archive, whether zipped or unpacked.

Opens only what a reader asks for by name, so that messages and likes are never read.
"""

import zipfile
from pathlib import Path
from typing import IO, Protocol


class Files(Protocol):
    """Names, sizes and contents of an archive's files."""

    def names(self) -> list[str]:
        """Names of the files, with `/` between folders."""

    def size(self, name: str) -> int:
        """Bytes of the unpacked file."""

    def open(self, name: str) -> IO[bytes]:
        """Open one file for reading."""


class ZipFiles:
    """The files of a zip."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path)

    def names(self) -> list[str]:
        return self._zip.namelist()

    def size(self, name: str) -> int:
        return self._zip.getinfo(name).file_size

    def open(self, name: str) -> IO[bytes]:
        return self._zip.open(name)


class FolderFiles:
    """The files of a folder and of `data` in it; the folders of media are not listed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        found = [f for where in ("", "data") for f in (self._folder / where).glob("*")]
        return [f.relative_to(self._folder).as_posix() for f in found if f.is_file()]

    def size(self, name: str) -> int:
        return (self._folder / name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return (self._folder / name).open("rb")
