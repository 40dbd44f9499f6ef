"""Calls of the AT Protocol: one request to one server, and what its answer means.

Knows no account. Requests are synchronous, so every call runs in a thread. The server is a
stranger's: the session is the guarded one of instance.py.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from bot import logs
from bot.errors import Refused, Unavailable
from bot.posting.failures import NotSent, did_not_arrive
from bot.posting.instance import AddressRefused, Session
from bot.sentences import say
from bot.visible import inline

TIMEOUT_S = 20  # of one read
Said = dict[str, Any]  # Any: somebody's JSON


class Declined(Refused):
    """A server's no, with its name for the reason, such as "InvalidSwap"."""

    def __init__(self, template: str, /, kind: str = "", **values: object) -> None:
        super().__init__(template, **values)
        self.kind = kind


async def call(
    session: Session,
    url: str,
    *,
    body: Said | None = None,
    token: str = "",
    **query: Sequence[str],
) -> Said:
    """Ask, or with a `body` tell; what is empty is not sent. Returns the answer.

    Raises Declined (nothing came of it), NotSent (nothing got there), Unavailable (unknown).
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    method = "GET" if body is None else "POST"
    asked = {name: value for name, value in query.items() if value}

    def send() -> requests.Response:
        return session.request(
            method, url, params=asked or None, json=body or None, headers=headers, timeout=TIMEOUT_S
        )

    try:
        answer = await asyncio.to_thread(send)
    except AddressRefused as e:
        kind = Unavailable if e.is_answer else NotSent
        words = say("I cannot use this Bluesky server. {reason}", reason=e.words)
        raise kind("{reason}", reason=words) from e
    except (requests.RequestException, HTTPError, OSError) as e:
        kind = NotSent if did_not_arrive(e) else Unavailable
        words = say("The Bluesky server cannot be reached. Try again later.")
        raise kind("{reason}", reason=words) from e
    return _read(answer)


def _read(answer: requests.Response) -> Said:
    code = answer.status_code
    if code == 429:
        raise NotSent("The Bluesky server asks for a pause. Try again in a few minutes.")
    if code >= 500:
        raise Unavailable("The Bluesky server has a fault. Try again later.")
    try:
        said = answer.json() if answer.content else {}
    except (ValueError, RecursionError) as e:
        raise nonsense() from e
    if not isinstance(said, dict):
        raise nonsense()
    if code == 200:
        return said
    kind, message = said.get("error"), said.get("message")
    if not isinstance(kind, str) or not 400 <= code < 500:  # not of this protocol: a gateway's
        raise nonsense()
    words = message if isinstance(message, str) and message else kind
    told = inline(logs.redacted(words), 200).rstrip(".")  # it may repeat what it was sent
    raise Declined("{reason}", kind=kind, reason=say("Bluesky refused: {said}.", said=told))


def nonsense() -> Unavailable:
    """The error about an answer of another shape."""
    return Unavailable("The Bluesky server sent an answer that makes no sense.")


def text_in(said: Said, key: str, longest: int = 4000) -> str:
    """A text of an answer. Raises Unavailable if there is none."""
    value = said.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise nonsense()
    return value
