"""Lets the bot into a person's Mastodon account: OAuth with a code that the person carries over.

register -> authorisation_link -> (the person brings a code) -> exchange … revoke. The paths are
those of every Mastodon server; those that a server names for itself could lead elsewhere. Each call
raises UserError, Unavailable or Refused with a sentence.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from urllib3.exceptions import HTTPError

from bot.errors import Refused, Unavailable, UserError
from bot.posting.instance import AddressRefused, Session
from bot.visible import inline

APP_NAME = "write-my-posts"
_SCOPES = "read:accounts read:statuses write:statuses"
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"  # the server shows the code instead of sending it
_TIMEOUT_S = 15  # of one read; a person waits for it

Form = dict[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """The bot as one server knows it."""

    base_url: str
    is_trusted: bool
    client_id: str
    client_secret: str = field(repr=False)


async def register(base_url: str, *, is_trusted: bool) -> Client:
    """Register the bot at a server, which allows only a few registrations in ten minutes."""
    form = {"client_name": APP_NAME, "redirect_uris": OUT_OF_BAND, "scopes": _SCOPES}
    status, said = await _post(Client(base_url, is_trusted, "", ""), "/api/v1/apps", form)
    if status in (200, 201, 202):
        return _client(base_url, is_trusted, said)
    words = said.get("error") if isinstance(said, dict) else None
    if isinstance(words, str) and words and status not in (404, 405, 410):
        raise Refused(
            "{server} does not register this bot: {said}.",
            server=base_url,
            said=inline(words, 200).rstrip("."),
        )
    if status == 403:
        raise Refused(
            "{server} turns this bot away (HTTP 403). If it is a Mastodon server, ask who runs it"
            " whether programs may register there.",
            server=base_url,
        )
    raise Refused(
        "There is no Mastodon server at {server}. Give the address where you log in; it may be"
        " another than the one in your handle.",
        server=base_url,
    )


def _client(base_url: str, is_trusted: bool, said: object) -> Client:
    return Client(base_url, is_trusted, _text(said, "client_id"), _text(said, "client_secret"))


def authorisation_link(client: Client) -> str:
    """The link where the person says yes and gets the code."""
    asked = {
        "client_id": client.client_id,
        "redirect_uri": OUT_OF_BAND,
        "response_type": "code",
        "scope": _SCOPES,
    }
    return f"{client.base_url}/oauth/authorize?{urlencode(asked)}"


async def exchange(client: Client, code: str) -> str:
    """Exchange a code for an access token."""
    form = {"grant_type": "authorization_code", "code": code, "scope": _SCOPES}
    status, said = await _post(
        client, "/oauth/token", form | {"redirect_uri": OUT_OF_BAND} | _credentials(client)
    )
    if status != 200:
        raise UserError(
            "{server} does not accept this code. Begin again with /mastodon connect.",
            server=client.base_url,
        )
    return _text(said, "access_token")


async def revoke(client: Client, token: str) -> None:
    """Revoke the bot's access to an account."""
    status, _ = await _post(client, "/oauth/revoke", {"token": token} | _credentials(client))
    if status != 200:
        raise Refused("{server} does not take the access back.", server=client.base_url)


def _credentials(client: Client) -> Form:
    return {"client_id": client.client_id, "client_secret": client.client_secret}


def _text(said: object, key: str) -> str:
    value = said.get(key) if isinstance(said, dict) else None
    if not isinstance(value, str) or not value.isascii() or not 0 < len(value) < 1000:
        raise Refused("The server does not answer as a Mastodon server does.")
    return value


async def _post(client: Client, path: str, form: Form) -> tuple[int, Any]:  # Any: somebody's JSON
    """Send a form; returns the HTTP status and the answer, unless the server has a fault."""
    server = client.base_url

    def call() -> requests.Response:
        with Session(server, is_trusted=client.is_trusted) as session:
            return session.post(server + path, data=form, timeout=_TIMEOUT_S)

    try:
        answer = await asyncio.to_thread(call)
    except AddressRefused as e:
        raise Refused(
            "This bot does not talk to {server}. {reason}", server=server, reason=e.words
        ) from e
    except (requests.RequestException, HTTPError, OSError) as e:
        raise Unavailable("{server} cannot be reached. Try again later.", server=server) from e
    if answer.status_code == 429:
        raise Unavailable("{server} asks for a pause. Try again in ten minutes.", server=server)
    if answer.status_code >= 500:
        raise Unavailable("{server} has a fault. Try again later.", server=server)
    try:
        return answer.status_code, answer.json()
    except (ValueError, RecursionError):
        return answer.status_code, None
