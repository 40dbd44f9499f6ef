"""What Mastodon.py's errors mean: whether something may be posted, and a sentence for a person."""

import ssl

import requests
from mastodon import errors
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.exceptions import SSLError as HandshakeError

from bot import logs
from bot.errors import BotError, Refused, Unavailable
from bot.posting.instance import AddressRefused
from bot.sentences import say
from bot.visible import inline

SURELY_NOT_POSTED = {400, 401, 403, 404, 406, 410, 413, 422}
TOO_LONG = {400, 413, 422}  # how servers refuse a text for its length, among other reasons
NOT_THERE = {404, 405, 410, 501}  # how they say that they lack an address
# Errors from answers of another shape: ours, or Mastodon.py's, which gives them types
NO_SENSE = (AttributeError, KeyError, TypeError, ValueError, IndexError)


class NotSent(Unavailable):
    """The text surely did not get there, or was turned away: sending it again doubles nothing."""


def http_status(error: BaseException | None) -> object:
    """The HTTP status of a Mastodon.py error, if it has one."""
    return error.args[1] if isinstance(error, errors.MastodonError) and error.args[1:] else None


def is_lacking(error: errors.MastodonAPIError) -> bool:
    """Whether a server does not have, or does not give, what was asked for."""
    return http_status(error) in {*NOT_THERE, 403, 422}


def did_not_arrive(cause: BaseException | None) -> bool:
    """Whether a connection failed before a request could be sent on it."""
    if not isinstance(cause, requests.ConnectionError) or not cause.args:
        return False
    reason = getattr(cause.args[0], "reason", None)
    if isinstance(reason, HandshakeError):
        return bool(reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def failure_of(error: BaseException) -> BotError:
    """The error of ours: Refused and NotSent if surely nothing was posted, else Unavailable."""
    if not isinstance(error, errors.MastodonAPIError | errors.MastodonRatelimitError):
        return _no_answer(error)
    code = http_status(error)
    said = error.args[3] if len(error.args) > 3 and isinstance(error.args[3], str) else ""
    said = inline(logs.redacted(said), 200)  # it may repeat the token it was sent
    if code == 429 or error.args == ("Hit rate limit.",):  # turned away before anything was done
        return NotSent("The Mastodon server asks for a pause. Try again in a few minutes.")
    if isinstance(error, errors.MastodonRatelimitError):  # an odd header: it may be done
        return Unavailable("The Mastodon server sent an answer that makes no sense.")
    if code == 401:
        return Refused(
            "Mastodon does not accept the access token."
            " The operator must renew MASTODON_ACCESS_TOKEN."
        )
    if code == 403 and (not said or "scope" in said.lower()):
        return Refused(
            "Mastodon does not allow this with the access token."
            " It needs the scopes read:accounts, read:statuses and write:statuses."
        )
    if code in SURELY_NOT_POSTED:
        return Refused("Mastodon refused: {said}.", said=said.rstrip(".") or f"HTTP {code}")
    return Unavailable("The Mastodon server has a fault. Try again later.")


def _no_answer(error: BaseException) -> Unavailable:
    """The error of ours for a request without an answer."""
    words = say("The Mastodon server cannot be reached. Try again later.")
    did_arrive = not did_not_arrive(error.__context__)
    if isinstance(refused := error.__context__, AddressRefused):
        words = say("I cannot use this Mastodon server. {reason}", reason=refused.words)
        did_arrive = refused.is_answer
    return (Unavailable if did_arrive else NotSent)(words.template, **words.values)
