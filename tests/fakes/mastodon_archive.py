"""Writes Mastodon archives for tests, activity by activity, in the layout that Mastodon exports."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ME = "https://fog.example/users/me"
OTHER = "https://fog.example/users/mel"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
FOLLOWERS = f"{ME}/followers"
CANARY = "CANARY of somebody's private words"

Json = dict[str, Any]  # Any: ActivityPub has no schema


def key(number: int) -> str:
    """The id of the status with this number."""
    return f"{ME}/statuses/{number}"


def status(number: int, html: str, **more: Any) -> Json:
    """A `Create`; `more` are fields of its note."""
    to, cc = more.pop("to", [PUBLIC]), more.pop("cc", [FOLLOWERS])
    published = f"2023-05-{number % 28 + 1:02}T10:00:00Z"
    return {
        "id": f"{key(number)}/activity",
        "type": "Create",
        "actor": ME,
        "published": published,
        "to": to,
        "cc": cc,
        "object": {
            "id": key(number),
            "type": "Note",
            "summary": None,
            "inReplyTo": None,
            "published": published,
            "url": f"https://fog.example/@me/{number}",
            "attributedTo": ME,
            "to": to,
            "cc": cc,
            "sensitive": False,
            "conversation": None,
            "content": html,
            "contentMap": {"en": html},
            "attachment": [],
            "tag": [],
            "replies": {"type": "Collection", "first": {"items": []}},
            **more,
        },
    }


def boost(number: int, address: str, **more: Any) -> Json:
    """An `Announce` of somebody's status."""
    return {
        "id": f"{key(number)}/activity",
        "type": "Announce",
        "actor": ME,
        "published": "2023-05-01T10:00:00Z",
        "to": [PUBLIC],
        "cc": [OTHER, FOLLOWERS],
        "object": address,
        **more,
    }


def outbox(activities: Sequence[object], **more: Any) -> bytes:
    """The file `outbox.json`; its totalItems counts more than it has, as on real servers."""
    collection = {
        "@context": ["https://www.w3.org/ns/activitystreams", {"Hashtag": "as:Hashtag"}],
        "id": "outbox.json",
        "type": "OrderedCollection",
        "totalItems": len(activities) + 3,
        "orderedItems": activities,
        **more,
    }
    return json.dumps(collection).encode()


def files(*activities: object) -> dict[str, bytes]:
    """The archive's files by name."""
    liked = {"id": "likes.json", "type": "OrderedCollection", "orderedItems": [CANARY]}
    return {
        "actor.json": json.dumps({"id": ME, "url": "https://fog.example/@me"}).encode(),
        "avatar.png": b"\x89PNG",
        "likes.json": json.dumps(liked).encode(),
        "outbox.json": outbox(activities),
        "media_attachments/files/1/photo.png": b"\x89PNG" * 1000,
    }


def write_tar(path: Path, contents: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    """Pack the files as Mastodon does."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload] # mode is a variable
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
