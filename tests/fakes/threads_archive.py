"""Writes Threads posts as Instagram exports them: every byte of UTF-8 as a character of its own."""

import json
from collections.abc import Sequence
from typing import Any

NAME = "your_instagram_activity/threads/threads_and_replies.json"
CANARY = "CANARY of somebody's private words"

Json = dict[str, Any]  # Any: Meta's records have no schema


def garbled(text: str) -> str:
    """The text as Meta writes it."""
    return text.encode().decode("latin-1")


def entry(second: int, text: str, **marks: Any) -> Json:
    """A post with one medium or none; `marks` are fields of `text_app_post`."""
    medium: Json = {
        "uri": "",
        "creation_timestamp": second,
        "title": garbled(text),
        "media_metadata": {"camera_metadata": {"has_camera_metadata": False}},
        "cross_post_source": {"source_app": "FB"},
    }
    return {"media": [medium | ({"text_app_post": marks} if marks else {})]}


def album(second: int, text: str) -> Json:
    """A post with several media: its text and time stand on the outside."""
    media = [{"uri": f"media/{n}.jpg", "creation_timestamp": 5, "title": ""} for n in range(3)]
    return {"media": media, "title": garbled(text), "creation_timestamp": second}


def document(entries: Sequence[object]) -> bytes:
    """The file's content; Meta escapes all that is not ASCII."""
    return json.dumps({"text_post_app_text_posts": entries}, indent=2).encode()


def files(*entries: object) -> dict[str, bytes]:
    """The export's files by name."""
    private = json.dumps({"participants": [], "messages": [{"content": CANARY}]}).encode()
    return {
        NAME: document(entries),
        "your_instagram_activity/threads/liked_threads.json": private,
        "your_instagram_activity/messages/inbox/mel_1/message_1.json": private,
        "personal_information/personal_information/personal_information.json": private,
        "media/posts/202405/1.jpg": b"\xff\xd8",
    }
