"""Posts a status exactly once; reads a Mastodon server's limits and the account's name.

Mastodon.py is synchronous: every call runs in a thread. Cancelling the task does not undo a
request, and an Idempotency-Key is not enough (GoToSocial ignores it, Mastodon forgets it in an
hour). So after any unknown outcome it looks at the account's own statuses before it sends again.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from mastodon import Mastodon as Api
from mastodon import errors

from bot import logs, metrics
from bot.config import Settings, origin
from bot.draft import Status, Style
from bot.errors import Refused, Unavailable
from bot.posting.instance import AddressRefused, Session
from bot.visible import inline
from bot.writing.thread import status_length

log = structlog.stdlib.get_logger(__name__)

REQUEST_TIMEOUT_S = 20
PAUSES_S = (1.0, 3.0)  # between looking and sending again
CLOCK_SKEW = timedelta(minutes=1)  # the server stamps its statuses by its own clock
_PAGE = 40  # statuses; the most that servers give at once
MAX_PAGES = 10
SURELY_NOT_POSTED = {400, 401, 403, 404, 406, 410, 413, 422}
# Errors from answers of another shape: here, or in Mastodon.py, which gives them types
NO_SENSE = (AttributeError, KeyError, TypeError, ValueError, IndexError)
AS_THE_ACCOUNT = Style()
SHORTEST_LIMIT = 20  # characters; a thread's parts need some for their numbers
_ID = re.compile(r"[\w-]{1,100}", re.ASCII)
_URL = re.compile(r"https?://[^\s<>()\[\]\\|*`]{1,500}")

_T = TypeVar("_T")


class Mastodon:
    """One account on one server."""

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
        self._api = Api(
            api_base_url=base_url,
            ratelimit_method="throw",  # "wait" would sleep up to 5 minutes in the thread
            request_timeout=REQUEST_TIMEOUT_S,
            version_check_mode="none",
            session=session or Session(base_url, is_trusted=True),
        )
        self._api.access_token = access_token  # its constructor would read a file of this name
        self.base_url = base_url
        self._handle = handle
        self._is_connected = handle is not None
        self._style = style or Style()
        self._pauses_s = pauses_s
        self._max_chars: int | None = None
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
    def name(self) -> str:
        """The account's name, as stored with its drafts; known once it is verified."""
        assert self._handle
        return f"{self.base_url} {self._handle}"

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
        """Characters of a status with its content warning."""
        return status_length(text, self.style(asked).content_warning or "")

    async def max_chars(self) -> int:
        """Limit of the instance, requested once. Raises Unavailable or Refused."""
        if self._max_chars is None:
            self._max_chars = await self._call(self._ask_limit)
        return self._max_chars

    async def verify(self) -> str:
        """Handle of the account the token belongs to. Raises Unavailable or Refused."""
        self._account_id, handle = await self._call(self._ask_who)
        self._handle = handle
        return handle

    @metrics.timed("publish")
    async def publish(
        self,
        text: str,
        key: str,
        since: datetime,
        retried: bool = False,
        style: Style = AS_THE_ACCOUNT,
        reply_to: str | None = None,
        known: Collection[str] = (),
    ) -> Status:
        """Post `text` exactly once.

        `since`: time of the first try; `retried`: this is not the first try; `known`: ids of other
        drafts' statuses. Raises Refused if it is surely not posted. Raises Unavailable if it may
        be: call again with `retried`.
        """
        for pause in (*self._pauses_s, None):
            if retried and (found := await self.find(text, since, known)):
                return found
            try:
                return await self._send(text, key, self.style(style), reply_to)
            except Unavailable as e:
                log.warning("posting had an unknown outcome", why=type(e.__cause__).__name__)
                retried = True
                if pause is None:
                    break
                await asyncio.sleep(pause)
        if found := await self.find(text, since, known):
            return found
        raise Unavailable("The Mastodon server does not answer as it should.")

    async def delete(self, status_id: str) -> None:
        """Delete a status; one that is gone already is fine. Raises Unavailable or Refused."""
        try:
            await self._call(lambda: self._api.status_delete(status_id))
        except Refused as e:
            if not isinstance(e.__cause__, errors.MastodonNotFoundError):
                raise

    async def _send(self, text: str, key: str, style: Style, reply_to: str | None) -> Status:
        return await self._call(
            lambda: self._status(
                self._api.status_post(
                    text,
                    in_reply_to_id=reply_to,
                    idempotency_key=key,
                    visibility=style.visibility,
                    language=style.language,
                    spoiler_text=style.content_warning,
                )
            )
        )

    async def find(self, text: str, since: datetime, known: Collection[str]) -> Status | None:
        """Look for a status with this text among the account's own since the first try.

        Raises Unavailable.
        """
        try:
            return await self._find(text, since, known)
        except Refused as e:  # a ban on looking does not prove that nothing is there
            raise Unavailable("{reason}", reason=e.words) from e

    async def _find(self, text: str, since: datetime, known: Collection[str]) -> Status | None:
        if self._account_id is None:
            await self.verify()
        for status in await self._call(lambda: list(self._own_since(since - CLOCK_SKEW))):
            if status.id in known:
                continue
            if await self._call(partial(self._words, status)) == text.split():
                return status
        return None

    def _ask_limit(self) -> int:
        limit = int(self._api.instance_v2()["configuration"]["statuses"]["max_characters"])
        if limit < SHORTEST_LIMIT:
            raise ValueError("no status may be so short")
        return limit

    def _ask_who(self) -> tuple[str, str]:
        account = self._api.account_verify_credentials()
        if not isinstance(account["acct"], str):
            raise TypeError("a handle that is no text")
        return _id(account["id"]), f"@{account['acct']}"

    def _words(self, status: Status) -> list[str]:
        """The words of a status, to compare with the text that was sent."""
        words: list[str] = self._api.status_source(status.id)["text"].split()
        return words

    def _own_since(self, since: datetime) -> Iterator[Status]:
        """The account's own statuses since then, newest first."""
        last_id = None
        for _ in range(MAX_PAGES):
            page = self._api.account_statuses(
                self._account_id, exclude_reblogs=True, limit=_PAGE, max_id=last_id
            )
            yield from (self._status(status) for status in page if status.created_at >= since)
            if len(page) < _PAGE or page[-1].created_at < since:
                return
            last_id = page[-1].id

    def _status(self, found: Any) -> Status:  # Any: Mastodon.py has no usable types
        """Read a status; the server's own address takes the place of an odd one."""
        url = found["url"] or found["uri"]
        is_address = isinstance(url, str) and _URL.fullmatch(url)
        return Status(_id(found["id"]), url if is_address else self.base_url)

    async def _call(self, call: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(call)
        except (errors.MastodonAPIError, errors.MastodonRatelimitError) as e:
            if self._is_connected and e.args[1:2] == (401,):
                raise Refused(
                    "{account} does not accept this bot any more. Connect it again with"
                    " /mastodon connect.",
                    account=self.base_url,
                ) from e
            raise _translated(e) from e
        except (errors.MastodonError, OSError) as e:
            if isinstance(e.__context__, AddressRefused):
                reason = e.__context__.words
                raise Unavailable(
                    "I cannot use this Mastodon server. {reason}", reason=reason
                ) from e
            raise Unavailable("The Mastodon server cannot be reached. Try again later.") from e
        except NO_SENSE as e:
            raise Unavailable("The Mastodon server sent an answer that makes no sense.") from e


def _id(found: object) -> str:
    """An id that may stand in a path. Raises ValueError."""
    if not isinstance(found, str | int) or not _ID.fullmatch(str(found)):
        raise ValueError("no id")
    return str(found)


def _translated(error: errors.MastodonError) -> Refused | Unavailable:
    code = error.args[1] if len(error.args) > 1 else None
    said = error.args[3] if len(error.args) > 3 and isinstance(error.args[3], str) else ""
    if isinstance(error, errors.MastodonRatelimitError) or code == 429:
        return Unavailable("The Mastodon server asks for a pause. Try again in a few minutes.")
    if code == 401:
        return Refused(
            "Mastodon does not accept the access token."
            " The operator must renew MASTODON_ACCESS_TOKEN."
        )
    if code == 403:
        return Refused(
            "Mastodon does not allow this with the access token."
            " It needs the scopes read:accounts, read:statuses and write:statuses."
        )
    if code in SURELY_NOT_POSTED:
        said = inline(logs.redacted(said), 200)  # it may repeat the token it was sent
        return Refused("Mastodon refused: {said}.", said=said or f"HTTP {code}")
    return Unavailable("The Mastodon server has a fault. Try again later.")
