"""Posts a status exactly once, and asks a Mastodon server for its limits and whose account it is.

Mastodon.py is synchronous: every call runs in a thread. Cancelling the task does not take a request
back, and an Idempotency-Key is not enough (GoToSocial ignores it, Mastodon forgets it in an hour):
after any unknown outcome the account's own statuses are looked at before anything is sent again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from mastodon import Mastodon as Api
from mastodon import errors

from bot.config import Settings
from bot.draft import Status, Style
from bot.errors import Refused, Unavailable

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_S = 20
PAUSES_S = (1.0, 3.0)  # between looking and sending again
CLOCK_SKEW = timedelta(minutes=1)  # the server stamps its statuses by its own clock
SURELY_NOT_POSTED = {400, 401, 403, 404, 406, 410, 413, 422}

T = TypeVar("T")


class Mastodon:
    """One account on one server."""

    def __init__(
        self,
        base_url: str,
        access_token: str,
        style: Style | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._api = Api(
            api_base_url=base_url,
            access_token=access_token,
            ratelimit_method="throw",  # "wait" would sleep up to 5 minutes in the thread
            request_timeout=REQUEST_TIMEOUT_S,
            version_check_mode="none",
        )
        self.name = base_url.rstrip("/")  # which account this is, as stored with what it posted
        self._style = style or Style()
        self._pauses_s = pauses_s
        self._max_chars: int | None = None
        self._account_id: str | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Mastodon":
        """The account that the settings name."""
        style = Style(
            settings.mastodon_visibility,
            settings.mastodon_language,
            settings.mastodon_content_warning,
        )
        token = settings.mastodon_access_token.get_secret_value()
        return cls(settings.mastodon_base_url, token, style)

    def length(self, text: str) -> int:
        """Characters of a status with the account's content warning."""
        return status_length(text, self._style.content_warning or "")

    async def max_chars(self) -> int:
        """Limit of the instance, asked once. Raises Unavailable or Refused."""
        if self._max_chars is None:
            instance = await self._call(self._api.instance_v2)
            try:
                self._max_chars = int(instance["configuration"]["statuses"]["max_characters"])
            except (KeyError, TypeError, ValueError) as e:
                raise Refused("The Mastodon server does not say how long a status may be.") from e
        return self._max_chars

    async def verify(self) -> str:
        """Handle of the account the token belongs to. Raises Unavailable or Refused."""
        account = await self._call(self._api.account_verify_credentials)
        self._account_id = str(account["id"])
        return f"@{account['acct']}"

    async def publish(self, text: str, key: str, since: datetime, retried: bool = False) -> Status:
        """Post `text` exactly once.

        `since`: when posting it was first tried; `retried`: this is not the first try.
        Raises Refused: surely not posted. Raises Unavailable: it may be, call again with `retried`.
        """
        for pause in (*self._pauses_s, None):
            if retried and (found := await self._find(text, since)):
                return found
            try:
                return await self._send(text, key)
            except Unavailable as e:
                log.warning("posting had an unknown outcome: %s", e.__cause__.__class__.__name__)
                retried = True
                if pause is None:
                    break
                await asyncio.sleep(pause)
        if found := await self._find(text, since):
            return found
        raise Unavailable("The Mastodon server does not answer as it should.")

    async def _send(self, text: str, key: str) -> Status:
        status = await self._call(
            lambda: self._api.status_post(
                text,
                idempotency_key=key,
                visibility=self._style.visibility,
                language=self._style.language,
                spoiler_text=self._style.content_warning,
            )
        )
        if not getattr(status, "id", None):
            raise Unavailable("The Mastodon server sent an answer that makes no sense.")
        return Status(str(status.id), str(status.url or status.uri))

    async def _find(self, text: str, since: datetime) -> Status | None:
        """Look for a status of this text among the account's own since the first attempt."""
        if self._account_id is None:
            await self.verify()
        account_id = self._account_id
        recent = await self._call(
            lambda: self._api.account_statuses(account_id, exclude_reblogs=True, limit=40)
        )
        for status in recent:
            if status.created_at < since - CLOCK_SKEW:
                continue
            source = await self._call(partial(self._api.status_source, status.id))
            if source["text"].split() == text.split():
                return Status(str(status.id), str(status.url or status.uri))
        return None

    async def _call(self, call: Callable[[], T]) -> Any:  # Any: Mastodon.py has no usable types
        try:
            return await asyncio.to_thread(call)
        except (errors.MastodonAPIError, errors.MastodonRatelimitError) as e:
            raise _translated(e) from e
        except (errors.MastodonError, OSError) as e:
            raise Unavailable("The Mastodon server cannot be reached. Try again later.") from e


def status_length(text: str, content_warning: str = "") -> int:
    """Characters as the server counts them: a link is 23, `@a@b` counts as `@a`."""
    return int(Api.get_status_length(text, content_warning))


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
        return Refused(f"Mastodon refused: {said[:200] or f'HTTP {code}'}.")
    return Unavailable("The Mastodon server has a fault. Try again later.")
