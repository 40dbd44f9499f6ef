"""Sends a status once and looks for it; reads a Mastodon server's limits and the account's name.

Mastodon.py is synchronous: every call runs in a thread. Cancelling the task does not undo a
request, and an Idempotency-Key is not enough (GoToSocial ignores it, Mastodon records it after the
commit and forgets it in an hour). So nothing here is sent a second time: publishing.py decides
that, by what `look` proves.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from mastodon import Mastodon as Api
from mastodon import errors

from bot import metrics
from bot.config import Settings, origin
from bot.draft import Before, Echo, Network, Status, Style
from bot.errors import Refused, Unavailable
from bot.posting import oauth
from bot.posting.evidence import Glance, Listed, judge, plain_text
from bot.posting.failures import (
    NO_SENSE,
    NOT_THERE,
    TOO_LONG,
    NotSent,
    failure_of,
    http_status,
    is_lacking,
)
from bot.posting.families import Server, largest_count, server_of
from bot.posting.instance import Session
from bot.posting.target import AS_THE_ACCOUNT, PAUSES_S, Part

log = structlog.stdlib.get_logger(__name__)

REQUEST_TIMEOUT_S = 20
CLOCK_SKEW = timedelta(minutes=1)  # the server stamps its statuses by its own clock
LONGEST_PAUSE_S = 300.0  # Mastodon counts requests for so long
_PAGE = 40  # statuses; the most that servers give at once
MAX_PAGES = 10
_ID = re.compile(r"[\w-]{1,100}", re.ASCII)
_URL = re.compile(r"https?://[^\s<>()\[\]\\|*`]{1,500}")

_T = TypeVar("_T")


class Mastodon:
    """One account on one server: a Target."""

    network = Network.MASTODON

    def __init__(
        self,
        base_url: str,
        access_token: str,
        style: Style | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
        session: Session | None = None,
        handle: str | None = None,
    ) -> None:
        """`handle` is a connected account's "@name"; None for the operator's."""
        base_url = origin(base_url)
        self._session = session or Session(base_url, is_trusted=True)
        self._api = Api(
            api_base_url=base_url,
            ratelimit_method="throw",  # "wait" would sleep up to 5 minutes in the thread
            request_timeout=REQUEST_TIMEOUT_S,
            version_check_mode="none",
            session=self._session,
        )
        self._api.access_token = access_token  # its constructor would read a file of this name
        self.base_url = base_url
        self._handle = handle
        self._is_connected = handle is not None
        self._style = style or Style()
        self._pauses_s = pauses_s
        self._server: Server | None = None
        self._has_refused = False  # a text that fits by this server's own way of counting
        self._account_id: str | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Mastodon | None":
        """The operators' account, if the settings name one."""
        if not settings.mastodon_base_url or not settings.mastodon_access_token:
            return None
        style = Style(
            settings.mastodon_visibility,
            settings.mastodon_language,
            settings.mastodon_content_warning,
        )
        token = settings.mastodon_access_token.get_secret_value()
        return cls(settings.mastodon_base_url, token, style)

    @property
    def place(self) -> str:
        """The server's address."""
        return self.base_url

    @property
    def name(self) -> str:
        """The account's name, as stored with its drafts; known once it is verified."""
        assert self._handle
        return f"{self.base_url} {self._handle}"

    @property
    def is_identified(self) -> bool:
        """Whether the name is known."""
        return bool(self._handle)

    async def identify(self) -> str:
        """The name; requests it if it is not known yet. Raises Unavailable or Refused."""
        if not self._handle:
            await self.verify()
        return self.name

    def style(self, asked: Style) -> Style:
        """How a status is posted: as requested, else by this account's settings."""
        return Style(
            asked.visibility or self._style.visibility,
            asked.language or self._style.language,
            asked.content_warning or self._style.content_warning,
        )

    def length(self, text: str, asked: Style = AS_THE_ACCOUNT) -> int:
        """Characters of a status with its content warning, as the server counts them.

        While that is unknown, or was wrong, the largest of all counts, which fits everywhere.
        """
        known = self._server and not self._has_refused and self._server.family.length
        return (known or largest_count)(text, self.style(asked).content_warning or "")

    async def max_chars(self) -> int:
        """Limit of the server. Raises Unavailable or Refused."""
        return (await self.server()).max_chars

    async def server(self) -> Server:
        """The server as it describes itself, requested once. Raises Unavailable or Refused."""
        if self._server is None:
            self._server = await self._ask_server()
            log.info("a server", url=self.base_url, family=self._server.family.name)
        return self._server

    async def verify(self) -> str:
        """Handle of the account the token belongs to. Raises Unavailable or Refused."""
        await self._ask_who()
        assert self._handle
        return self._handle

    async def survey(self) -> Before | None:
        """The account before something is sent; None if it may not be looked at.

        Raises Unavailable, or Refused if the server does not take the token.
        """
        count = await self._ask_who()
        try:
            page = await self._call(partial(self._page, None))
            ids = frozenset(_id(status["id"]) for status in page)
            return Before(ids, count, self._session.server_time)
        except (Refused, *NO_SENSE):
            return None

    @metrics.timed("publish")
    async def publish(self, part: Part) -> Status:
        """Send its text, once; while the outcome is unknown, look for it.

        Raises Refused if it is surely not posted, NotSent if it did not get there, Unavailable if
        it may be there.
        """
        try:
            return await self._send(part)
        except NotSent:
            raise
        except Unavailable as e:
            log.warning("posting had an unknown outcome", why=type(e.__cause__).__name__)
        unsure = Unavailable("The Mastodon server does not answer as it should.")
        for pause in self._pauses_s:
            await asyncio.sleep(pause)
            try:
                if found := (await self.look(part)).found:
                    return found
            except Unavailable as e:
                unsure = e
        raise unsure

    async def look(self, part: Part) -> Glance:
        """Look for a status with its text among the account's own. Raises Unavailable."""
        try:
            counts = (await self.server()).family.counted
            count = await self._ask_who()
            news, is_whole = await self._call(partial(self._news, part.since, part.before))
        except Refused as e:  # a ban on looking does not prove that nothing is there
            raise Unavailable("{reason}", reason=e.words) from e
        if self.style(part.style).visibility not in counts:
            count = None
        return judge(part.text, news, part.known, part.before, count, is_whole=is_whole)

    async def delete(self, status: Status) -> None:
        """Delete a status; one that is gone already is fine. Raises Unavailable or Refused."""
        try:
            await self._call(lambda: self._api.status_delete(status.id))
        except Refused as e:
            if not isinstance(e.__cause__, errors.MastodonNotFoundError):
                raise

    async def echo(self, status: Status) -> Echo | None:
        """What came of a status so far; None if it is not there any more.

        Raises Unavailable or Refused.
        """
        try:
            return await self._call(partial(self._echo, status))
        except Refused as e:
            if http_status(e.__cause__) not in (404, 410):
                raise
            await self._ask_who()  # some say so of what followers see, if the token has ended
            return None

    async def posts(self) -> AsyncIterator[str]:
        """Every status of the account, newest first, as JSON lines. Raises Unavailable or Refused.

        They are what the server answers, but for their dates, which Mastodon.py has read.
        """
        await self._ask_who()
        seen, last_id = set[str](), None
        while True:
            try:
                page = await self._call(partial(self._page, last_id))
            except NotSent as e:
                if not isinstance(e.__cause__, errors.MastodonRatelimitError):
                    raise
                await asyncio.sleep(self._until_reset_s())
                continue
            # A server that does not know `max_id` begins at the newest again
            page = [status for status in page if _id(status["id"]) not in seen]
            if not page:
                return
            seen.update(_id(status["id"]) for status in page)
            last_id = _id(page[-1]["id"])
            yield "".join(json.dumps(status, default=str) + "\n" for status in page)

    def _until_reset_s(self) -> float:
        """How long the server wants to hear nothing, as far as it said."""
        left = float(self._api.ratelimit_reset or 0) - time.time()
        return min(max(1.0, left), LONGEST_PAUSE_S)

    async def _send(self, part: Part) -> Status:
        text, style = part.text, self.style(part.style)
        reply_to = next((status.id for status in reversed(part.thread) if status.id), None)
        try:
            return await self._call(
                lambda: self._status(
                    self._api.status_post(
                        text,
                        in_reply_to_id=reply_to,
                        idempotency_key=part.key,
                        visibility=style.visibility,
                        language=style.language,
                        spoiler_text=style.content_warning,
                    )
                )
            )
        except Refused as e:
            if http_status(e.__cause__) in TOO_LONG and self._server:
                longest = largest_count(text, style.content_warning or "")
                self._has_refused |= longest > self._server.max_chars
            raise

    async def _ask_server(self) -> Server:
        """Ask at the newer address, else at the older one, which some servers have alone."""
        answers: list[object] = []
        failure: Unavailable | None = None
        for ask in (self._api.instance_v2, self._api.instance_v1):
            try:
                answers.append(await self._call(ask))
            except Refused as e:
                if http_status(e.__cause__) not in NOT_THERE:
                    raise
            except Unavailable as e:
                failure = failure if http_status(e.__cause__) in NOT_THERE else e
            if answers and not server_of(*answers).is_assumed:
                break
        if failure and not answers:
            raise failure
        return server_of(*answers)

    async def _ask_who(self) -> int | None:
        """Learn whose account it is; returns how many statuses it has, if the server says."""
        account = await self._call(self._api.account_verify_credentials)
        try:
            if not isinstance(account["acct"], str):
                raise TypeError("a handle that is no text")
            self._account_id = _id(account["id"])
            self._handle = self._handle or f"@{account['acct']}"
            count = account.get("statuses_count")
        except NO_SENSE as e:
            raise Unavailable("The Mastodon server sent an answer that makes no sense.") from e
        return count if type(count) is int and count >= 0 else None

    def _page(self, last_id: str | None) -> list[Any]:  # Any: Mastodon.py has no usable types
        """Some of the account's own statuses, newest first, from the one after `last_id`."""
        page: list[Any] = self._api.account_statuses(self._account_id, limit=_PAGE, max_id=last_id)
        return page

    def _news(self, since: datetime, before: Before | None) -> tuple[list[Listed], bool]:
        """What is new since `before`, or by its time; and whether nothing can be missing.

        A page may be shorter than was asked for, and an order may be any: it ends at what was
        there before, or where nothing comes any more. A list that lacked a status then is late.
        """
        news: dict[str, Listed] = {}
        last_id, is_whole, is_late = None, False, False
        for _ in range(MAX_PAGES):
            page = [status for status in self._page(last_id) if _id(status["id"]) not in news]
            is_whole = not page
            for status in page:
                if before and _id(status["id"]) in before.ids:
                    is_whole = True
                elif before or status["created_at"] >= since - CLOCK_SKEW:
                    news[_id(status["id"])] = self._listed(status)
                    is_late |= _is_older(status, before)
                else:
                    is_whole = True
            if is_whole:
                break
            last_id = _id(page[-1]["id"])
        return list(news.values()), is_whole and not is_late

    def _listed(self, status: Any) -> Listed:
        """A status with every text that it has, or had."""
        if status.get("reblog"):
            return Listed(self._status(status), (), is_all_known=True)
        texts, is_all_known = [plain_text(str(status.get("content") or ""))], True
        try:
            texts.append(str(self._api.status_source(_id(status["id"]))["text"]))
        except errors.MastodonAPIError as e:
            if not is_lacking(e):
                raise
        if status.get("edited_at"):
            try:
                history = self._api.status_history(_id(status["id"]))
                texts += [plain_text(str(version["content"])) for version in history]
            except errors.MastodonAPIError as e:
                if not is_lacking(e):
                    raise
                is_all_known = False
        program = (status.get("application") or {}).get("name")
        is_anothers = bool(program and self._is_connected and program != oauth.APP_NAME)
        return Listed(self._status(status), tuple(texts), is_all_known and is_anothers)

    def _echo(self, status: Status) -> Echo:
        found = self._api.status(status.id)
        if _id(found["id"]) != status.id:
            raise ValueError("another status")
        counts = ("reblogs_count", "favourites_count", "replies_count")
        return Echo.of(*(found.get(name) for name in counts))

    def _status(self, found: Any) -> Status:
        """Read a status; the server's own address takes the place of an odd one."""
        url = found["url"] or found["uri"]
        is_address = isinstance(url, str) and _URL.fullmatch(url)
        return Status(_id(found["id"]), url if is_address else self.base_url)

    async def _call(self, call: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(call)
        except (errors.MastodonError, OSError) as e:
            if self._is_connected and http_status(e) == 401:
                raise Refused(
                    "{account} does not accept this bot any more. Connect it again with"
                    " /mastodon connect.",
                    account=self.base_url,
                ) from e
            raise failure_of(e) from e
        except NO_SENSE as e:
            raise Unavailable("The Mastodon server sent an answer that makes no sense.") from e


def _is_older(status: Any, before: Before | None) -> bool:
    """Whether a status that is new in the list was there before, by the server's own clock."""
    return bool(before and before.at and status["created_at"] < before.at)


def _id(found: object) -> str:
    """An id that may stand in a path. Raises ValueError."""
    if not isinstance(found, str | int) or not _ID.fullmatch(str(found)):
        raise ValueError("no id")
    return str(found)
