"""One record of a list of posts, whatever wrote it, and what a reader needs beside it.

Names of fields are compared without case and signs: `createdAt`, `created_at` and `Created At` are
one, as JSON and tables, interfaces and programs write them.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from trainer.archives.dates import Dates
from trainer.archives.markup import Html
from trainer.archives.post import Unreadable

NOTHING = frozenset(("", "0", "false", "no", "none", "null", "nan", "[]", "{}", "\\n"))
LONGEST_NAME = 100


class Entry(NamedTuple):
    """A record; `place` says where it stands, for those without an id."""

    place: str
    raw: Mapping[str, object]
    fields: Mapping[str, object]  # by `field_name`

    def first(self, *names: str) -> object:
        """The first of these fields that says something, or None."""
        return next((self.fields[n] for n in names if says(self.fields.get(n))), None)

    def text(self, *names: str) -> str:
        """The first of these fields that is a text and says something, or ""."""
        found = (self.fields.get(n) for n in names)
        return next((v for v in found if isinstance(v, str) and v.strip()), "")

    def id(self, *names: str) -> str:
        """The first of these fields as an id, or the record's place."""
        found = self.first(*names)
        usable = isinstance(found, str | int | float) and "\ufffd" not in str(found)
        return str(found) if usable else self.place

    def inside(self, *names: str) -> object:
        """What stands under these names, one in the other, or None."""
        value: object = self.fields.get(names[0])
        for name in names[1:]:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value if says(value) else None

    def unreadable(self) -> Unreadable:
        """The record as one that is no post."""
        return Unreadable(self.id("id", "idstr", "uri"))


class Tools(NamedTuple):
    """What the readers of a list's records share."""

    html: Html
    dates: Dates


def entry_of(place: str, raw: Mapping[str, object]) -> Entry:
    """A record with its fields named alike."""
    fields: dict[str, object] = {}
    for name, value in raw.items():
        short = field_name(name)
        if short not in fields or not says(fields[short]):
            fields[short] = value
    return Entry(place, raw, fields)


@lru_cache(maxsize=4096)
def field_name(name: str) -> str:
    """A field's name in lower case, without signs between its words."""
    return re.sub(r"[\W_]+", "", name[:LONGEST_NAME]).lower()


def says(value: object) -> bool:
    """Whether a value is more than a way to say that there is none."""
    if isinstance(value, str):
        return value.strip().lower() not in NOTHING
    return bool(value)


def known(value: object) -> str | None:
    """An id as text, or None."""
    return str(value) if isinstance(value, str | int) and says(value) else None


def texts_of(values: object, *names: str) -> Iterable[str]:
    """The texts in a list: themselves, or the first of these fields of an object."""
    for value in values if isinstance(values, list) else ():
        found = [value.get(n) for n in names] if isinstance(value, Mapping) else [value]
        texts = [text for text in found if isinstance(text, str) and text.strip()]
        yield from texts[:1]
