"""Posts to a Bluesky account, and finds it again; signs in with an app password.

One call posts, and it may be repeated: `putRecord` under a key of our own, with `swapRecord: null`
and a record that depends on the draft alone. So a text sent twice is one post. Tokens are kept in
memory, and what they last is short.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence

import structlog

from bot import logs, metrics
from bot.config import Settings
from bot.draft import Before, Echo, Network, Status, Style
from bot.errors import Refused, Unavailable, UserError
from bot.posting import xrpc
from bot.posting.bluesky_identity import Home, Identities
from bot.posting.bluesky_record import (
    MAX_GRAPHEMES,
    POST,
    WARNINGS,
    length,
    record,
    record_key,
    spans,
)
from bot.posting.evidence import Glance
from bot.posting.failures import NotSent
from bot.posting.target import AS_THE_ACCOUNT, PAUSES_S, Part
from bot.posting.xrpc import Declined, Said, text_in

log = structlog.stdlib.get_logger(__name__)

APP_SCOPE = "com.atproto.appPass"  # and …Privileged; a main password's is com.atproto.access
_STALE = ("ExpiredToken", "InvalidToken", "AuthMissing")
_GONE = {"AccountDeactivated", "AccountTakedown", "RepoDeactivated", "RepoTakendown"}


class Bluesky:
    """One account: a Target."""

    network = Network.BLUESKY
    place = "Bluesky"

    def __init__(
        self,
        who: Home | str,
        password: str,
        identities: Identities | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        """`who`: a connected account, or the handle of the operators', which is looked up."""
        self._home = who if isinstance(who, Home) else None
        self._who = who.handle if isinstance(who, Home) else who
        self._is_connected = isinstance(who, Home)
        self._identities = identities or Identities()
        self._password = password
        self._pauses_s = pauses_s
        self._access = self._refresh = ""
        self._signing_in = asyncio.Lock()
        self._dids: dict[str, str | None] = {}  # of handles that were mentioned
        logs.hide(password)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Bluesky | None":
        """The operators' account, if the settings name one."""
        if not settings.bluesky_handle or not settings.bluesky_app_password:
            return None
        password = settings.bluesky_app_password.get_secret_value()
        return cls(settings.bluesky_handle, password, Identities(settings.bluesky_private_servers))

    @property
    def name(self) -> str:
        """The account's name, as stored with its drafts; known once it is found."""
        assert self._home
        return f"bluesky @{self._home.handle} {self._home.did}"

    @property
    def is_identified(self) -> bool:
        """Whether the name is known."""
        return self._home is not None

    async def identify(self) -> str:
        """The name; looks the account up if it is not known yet."""
        await self.home()
        return self.name

    async def home(self) -> Home:
        """The account and its server, looked up once. Raises UserError or Unavailable."""
        if self._home is None:
            self._home = await self._identities.find(self._who)
        return self._home

    def style(self, asked: Style) -> Style:
        """As asked. Raises UserError for what Bluesky does not have: it is never posted openly."""
        if asked.visibility not in (None, "public"):
            raise UserError(
                "Everything on Bluesky is public, so I cannot post this there for fewer people."
                " Choose public, or Mastodon alone."
            )
        if asked.content_warning and asked.content_warning.strip().lower() not in WARNINGS:
            raise UserError(
                "Bluesky has no content warning of one's own words, only {labels}. Take one of"
                " them, none, or Mastodon alone.",
                labels=", ".join(WARNINGS),
            )
        return asked

    def length(self, text: str, asked: Style = AS_THE_ACCOUNT) -> int:
        """Characters as Bluesky counts them; a warning is none."""
        return length(text)

    async def max_chars(self) -> int:
        """Bluesky's limit, the same everywhere."""
        return MAX_GRAPHEMES

    async def verify(self) -> str:
        """The handle, if the server takes posts. Raises Unavailable or Refused."""
        _expect_active(await self._call("com.atproto.server.getSession"))
        return f"@{(await self.home()).handle}"

    async def survey(self) -> Before | None:
        """Look whether the account can post at all; what stands on it proves nothing here."""
        await self.verify()
        return None

    @metrics.timed("publish")
    async def publish(self, part: Part) -> Status:
        """Put the post there, again and again until the server says that it is.

        Raises Refused if it is surely not there, NotSent if nothing got there yet, Unavailable if
        it may be there.
        """
        may_be_there = part.was_sent
        for pause in (*self._pauses_s, None):
            try:
                return await self._put(part)
            except NotSent as e:
                raise Unavailable("{reason}", reason=e.words) if may_be_there else e from e
            except Refused as e:  # this try posted nothing
                is_there = isinstance(e, Declined) and e.kind == "InvalidSwap"
                if (may_be_there or is_there) and (found := (await self.look(part)).found):
                    return found
                raise
            except Unavailable as e:
                log.warning("posting had an unknown outcome", why=type(e.__cause__).__name__)
                may_be_there = True
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last try returned or raised")

    async def look(self, part: Part) -> Glance:
        """Look for the post, by its key. Needs no signing in. Raises Unavailable."""
        found = await self._find(_key(part))
        return Glance(found, is_absent=found is None, is_repeatable=found is None)

    async def _find(self, key: str) -> Status | None:
        home = await self.home()
        url = _url(home, "com.atproto.repo.getRecord")
        try:
            with home.session() as session:
                said = await xrpc.call(session, url, repo=home.did, collection=POST, rkey=key)
        except Declined as e:
            if e.kind == "RecordNotFound":
                return None
            raise Unavailable("{reason}", reason=e.words) from e
        return _status(home, key, said)

    async def echo(self, status: Status) -> Echo | None:
        """What came of a post so far, as the app counts that its server asks; None if it is gone.

        Raises Unavailable or Refused.
        """
        key = status.id.split()[0]
        uri = _uri(await self.home(), key)
        said = await self._call("app.bsky.feed.getPosts", uris=[uri])
        try:
            found = next((post for post in said["posts"] if post["uri"] == uri), None)
        except (KeyError, TypeError) as e:
            raise xrpc.nonsense() from e
        if found:
            return Echo.of(*(found.get(f"{what}Count") for what in ("repost", "like", "reply")))
        if await self._find(key):
            raise Unavailable("Bluesky does not show this post yet. Try again later.")
        return None

    async def delete(self, status: Status) -> None:
        """Delete a post; one that is gone already is fine. Raises Unavailable or Refused."""
        where = {"collection": POST, "rkey": status.id.split()[0], "repo": (await self.home()).did}
        await self._call("com.atproto.repo.deleteRecord", where)

    async def posts(self) -> AsyncIterator[str]:
        """Every post, newest first: the records of `listRecords`, which anybody gets, a line each.

        Raises Unavailable or Refused.
        """
        home, cursor = await self.home(), ""
        url = _url(home, "com.atproto.repo.listRecords")
        while True:
            with home.session() as session:
                said = await xrpc.call(
                    session, url, repo=home.did, collection=POST, limit="100", cursor=cursor
                )
            records = said.get("records") or []
            yield "".join(json.dumps(found) + "\n" for found in records)
            before, cursor = cursor, str(said.get("cursor") or "")
            if not records or cursor in ("", before):
                return

    async def revoke(self) -> bool:
        """Revoke the app password at the server; whether it is surely of no more use."""
        try:
            said = await self._call("com.atproto.server.listAppPasswords")
            names = [str(p["name"]) for p in said["passwords"] if isinstance(p.get("name"), str)]
            ours = [name for name in names if name.strip().lower() == "write-my-posts"]
            if name := next(iter(ours or (names if len(names) == 1 else [])), None):
                await self._call("com.atproto.server.revokeAppPassword", {"name": name})
            await self._sign_in()
        except (KeyError, TypeError, AttributeError):
            return False
        except Refused as e:
            return isinstance(e.__cause__, Declined) and e.__cause__.kind == _WRONG
        return False

    async def sign_in(self) -> None:
        """Sign in with the app password. Raises Refused, also for a main password."""
        async with self._signing_in:
            await self._sign_in()

    async def _sign_in(self) -> None:
        home = await self.home()
        who = {"identifier": home.did, "password": self._password}
        try:
            with home.session() as session:
                url = _url(home, "com.atproto.server.createSession")
                said = await xrpc.call(session, url, body=who)
                self._take(said)
                if not _scope(self._access).startswith(APP_SCOPE):
                    url = _url(home, "com.atproto.server.deleteSession")
                    await xrpc.call(session, url, body={}, token=self._refresh)
                    self._access = self._refresh = ""
                    raise _not_an_app_password()
        except Declined as e:
            raise self._turned_away(e) from e
        _expect_active(said)

    async def _renew(self, stale: str) -> None:
        """Get another access token, unless somebody else just did."""
        async with self._signing_in:
            if self._access != stale:
                return
            home = await self.home()
            try:
                if not self._refresh:
                    raise Declined("There is no session.")
                with home.session() as session:
                    url = _url(home, "com.atproto.server.refreshSession")
                    self._take(await xrpc.call(session, url, body={}, token=self._refresh))
            except Declined:  # it ended, or it never began
                await self._sign_in()

    def _take(self, said: Said) -> None:
        self._access, self._refresh = text_in(said, "accessJwt"), text_in(said, "refreshJwt")
        logs.hide(self._access)
        logs.hide(self._refresh)

    async def _call(self, method: str, body: Said | None = None, **query: Sequence[str]) -> Said:
        """A call as this account, with a fresh token if the old one is not taken any more."""
        home = await self.home()
        for is_last in (False, True):
            if not self._access:
                await self._renew("")
            token = self._access
            try:
                with home.session() as session:
                    url = _url(home, method)
                    return await xrpc.call(session, url, body=body, token=token, **query)
            except Declined as e:
                if e.kind not in _STALE or is_last:
                    raise self._turned_away(e) from e
                await self._renew(token)
        raise AssertionError("the last try returned or raised")

    async def _put(self, part: Part) -> Status:
        home, key = await self.home(), _key(part)
        where = {"repo": home.did, "collection": POST, "rkey": key, "swapRecord": None}
        said = await self._call(
            "com.atproto.repo.putRecord", where | {"record": await self._record(part)}
        )
        return _status(home, key, said)

    async def _record(self, part: Part) -> Said:
        style = self.style(part.style)
        label = (style.content_warning or "").strip().lower() or None
        mentioned = {span.value for span in spans(part.text) if span.kind == "mention"}
        found = {handle: await self._did(handle) for handle in sorted(mentioned)}
        return record(
            part.text,
            part.since,
            number=len(part.thread),
            language=style.language,
            label=label,
            dids={handle: did for handle, did in found.items() if did},
            reply=_reply(await self.home(), part.thread),
        )

    async def _did(self, handle: str) -> str | None:
        """Whom a mention means, as the account's own server says; None if nobody."""
        if handle not in self._dids:
            home = await self.home()
            url = _url(home, "com.atproto.identity.resolveHandle")
            try:
                with home.session() as session:
                    said = await xrpc.call(session, url, handle=handle)
                self._dids[handle] = text_in(said, "did", 300)
            except Declined:
                self._dids[handle] = None
            except Unavailable as e:  # a mention that is text one time would be another record
                raise NotSent("{reason}", reason=e.words) from e
        return self._dids[handle]

    def _turned_away(self, error: Declined) -> Refused:
        """What a server's no means for whoever has to mend it."""
        if error.kind == _WRONG and self._is_connected:
            return Refused(
                "Bluesky does not accept the handle with this app password (any more). Make one"
                " under Settings, Privacy and security, App passwords, and connect it with /bluesky"
                " connect."
            )
        if error.kind == _WRONG:
            return Refused(
                "Bluesky does not accept the operators' app password. The operator must renew"
                " BLUESKY_APP_PASSWORD."
            )
        return _is_gone() if error.kind in _GONE else error


_WRONG = "AuthenticationRequired"


def _key(part: Part) -> str:
    return record_key(part.key, part.since, len(part.thread))


def _url(home: Home, method: str) -> str:
    return f"{home.base_url}/xrpc/{method}"


def _uri(home: Home, key: str) -> str:
    return f"at://{home.did}/{POST}/{key}"


def _status(home: Home, key: str, said: Said) -> Status:
    """The post that an answer tells of; its id holds what a reply to it must name."""
    if said.get("uri") != _uri(home, key):
        raise xrpc.nonsense()
    url = f"https://bsky.app/profile/{home.did}/post/{key}"
    return Status(f"{key} {text_in(said, 'cid', 200)}", url)


def _reply(home: Home, thread: Sequence[Status]) -> Said | None:
    """References to the first post of a thread and to the last one before."""
    known = [status.id.split() for status in thread if status.id]
    if not known:
        return None
    root, parent = ({"uri": _uri(home, key), "cid": cid} for key, cid in (known[0], known[-1]))
    return {"root": root, "parent": parent}


def _scope(token: str) -> str:
    """What an access token is for, by its own words."""
    try:
        payload = token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(said["scope"])
    except (IndexError, ValueError, KeyError, TypeError):
        return ""


def _expect_active(said: Said) -> None:
    if said.get("active") is False:
        raise _is_gone()


def _is_gone() -> Refused:
    return Refused(
        "This Bluesky account is deactivated, taken down, or has moved to another server. Connect"
        " it again with /bluesky connect once it is there."
    )


def _not_an_app_password() -> Refused:
    return Refused(
        "That is not an app password, so I do not use it. Make one under Settings, Privacy and"
        " security, App passwords, name it write-my-posts, and put it in the place of this one."
    )
