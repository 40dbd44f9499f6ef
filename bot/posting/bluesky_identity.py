"""From a handle to the server that holds its account: handle -> DID -> document -> server.

The two directories that are asked first are fixed hosts; what they name is a stranger's address, so
it goes through instance.py. A server that the operator allows is asked itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.errors import BotError, UserError
from bot.posting import instance, xrpc
from bot.posting.instance import Session

RESOLVER = "https://public.api.bsky.app"
DIRECTORY = "https://plc.directory"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HANDLE = re.compile(rf"(?=.{{3,253}}\Z)(?:{_LABEL}\.)+(?!\d){_LABEL}")
_DID = re.compile(r"did:plc:[a-z2-7]{24}|did:web:[a-z0-9.-]{4,253}")


@dataclass(frozen=True, slots=True)
class Home:
    """An account, and the server that holds it."""

    did: str
    handle: str
    base_url: str
    is_trusted: bool = False  # the operator chose the server

    def session(self) -> Session:
        """Requests to that server."""
        return Session(self.base_url, is_trusted=self.is_trusted)


class Identities:
    """Finds accounts by what people call them."""

    def __init__(
        self,
        private: frozenset[str] = frozenset(),
        resolver: str = RESOLVER,
        directory: str = DIRECTORY,
    ) -> None:
        """`private` are servers of the operator's choice, which need not be public."""
        self._private = private
        self._resolver = resolver
        self._directory = directory

    async def find(self, typed: str) -> Home:
        """The account of a handle or DID. Raises UserError or Unavailable."""
        name = _name(typed)
        for base_url in sorted(self._private):
            if home := await _described(base_url, name):
                return home
        did = name if name.startswith("did:") else await self._did(name)
        document = await self._document(did)
        handle = next(_handles(document), "")
        if not name.startswith("did:"):
            if name not in _handles(document):
                raise UserError("The account that {handle} names does not go by it.", handle=name)
            handle = name
        base_url = self._server(document)
        return Home(did, handle, base_url, base_url in self._private)

    async def _did(self, handle: str) -> str:
        with Session(self._resolver, is_trusted=True) as session:
            url = f"{self._resolver}/xrpc/com.atproto.identity.resolveHandle"
            try:
                said = await xrpc.call(session, url, handle=handle)
            except xrpc.Declined as e:
                raise _unknown(handle) from e
        did = said.get("did")
        if not isinstance(did, str) or not _DID.fullmatch(did):
            raise _unknown(handle)
        return did

    async def _document(self, did: str) -> dict[str, Any]:
        if did.startswith("did:web:"):
            host = instance.base_url(did.removeprefix("did:web:"), self._private)
            session = Session(host, is_trusted=host in self._private)
            url = f"{host}/.well-known/did.json"
        else:
            session = Session(self._directory, is_trusted=True)
            url = f"{self._directory}/{did}"
        with session:
            return await xrpc.call(session, url)

    def _server(self, document: dict[str, Any]) -> str:
        for service in _dicts(document.get("service")):
            if str(service.get("id", "")).endswith("#atproto_pds"):
                try:
                    return instance.base_url(str(service.get("serviceEndpoint")), self._private)
                except UserError:
                    break
        raise UserError("This account names no server that I could use.")


async def _described(base_url: str, name: str) -> Home | None:
    """The account as a server describes it, if it is there."""
    url = f"{base_url}/xrpc/com.atproto.repo.describeRepo"
    with Session(base_url, is_trusted=True) as session:
        try:
            said = await xrpc.call(session, url, repo=name)
            did, handle = xrpc.text_in(said, "did", 300), xrpc.text_in(said, "handle", 300)
        except BotError:
            return None
    return Home(did, handle, base_url, is_trusted=True) if _DID.fullmatch(did) else None


def _name(typed: str) -> str:
    """The handle or DID in what a person typed or pasted. Raises UserError."""
    text = re.sub(r"\A(https?://[^/]+/profile/|at://)", "", typed.strip().lower())
    text = re.sub(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069@\s]", "", text).split("/")[0]
    if _HANDLE.fullmatch(text) or _DID.fullmatch(text):
        return text
    raise UserError(
        "{typed} is no handle. Write it like ann.bsky.social, as your profile shows it.",
        typed=typed.strip()[:100],
    )


def _unknown(handle: str) -> UserError:
    return UserError("There is no Bluesky account {handle}. Look at its spelling.", handle=handle)


def _handles(document: dict[str, Any]) -> Iterator[str]:
    names = document.get("alsoKnownAs")
    for name in names if isinstance(names, list) else []:
        if isinstance(name, str) and _HANDLE.fullmatch(
            handle := name.removeprefix("at://").lower()
        ):
            yield handle


def _dicts(found: object) -> Iterator[dict[str, Any]]:
    yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
