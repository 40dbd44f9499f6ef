"""What a language model's server says no with, as a sentence: what happened, what to do. Pure.

One status code is not one cause: 429 is a busy server or an empty account, 404 a model or an
address. So the server's own words and codes decide, and in short they stand in the sentence.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from bot.errors import Refused, Unavailable
from bot.sentences import Words, say
from bot.visible import inline, one_line
from bot.writing.lazy import openai

_NOT_NOW = (408, 409, 425)  # status codes of a server that may take it later
LOGGED = 1000  # characters of a server's words
QUOTED_CHARS = 12  # in a row are no chance
MOST_SAID = 200  # characters of a server's words in a sentence; the log has more
_TEXTS = ("message", "error", "detail", "details", "msg", "error_description", "errors", "title")
_NAMES = ("code", "type", "status", "error_type")

_NO_CREDIT = re.compile(
    r"insufficient[_ ](?:quota|balance|credits?|funds)|billing_|payment_required|out_of_credits?"
    r"|credit balance|exceeded your current quota|billing (?:hard )?limit"
    r"|check your (?:plan|billing)|(?:no|not enough|out of|more|buy|purchase) credits"
    r"|spend(?:ing)? (?:limit|cap)"
    r"|payment (?:is )?required|top up|arrears|account (?:is )?not active",
    re.I,
)
_PER_DAY = re.compile(r"per.?day|daily", re.I)
_WAIT = re.compile(r"(?:retry|try again|wait)\D{0,20}?((?:\d[\d.]*\s?[a-z]+[\s,]*)+)", re.I)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|milli|h|m|s)", re.I)  # 7m12.5s, 20 seconds
_SECONDS = {"ms": 0.001, "milli": 0.001, "h": 3600.0, "m": 60.0, "s": 1.0}
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (?:length|window|size)|maximum context"
    r"|(?:prompt|input|message|request) (?:is )?too (?:long|large)|context the overflows"
    r"|too many (?:input )?tokens|reduce (?:the length|your message)|max_new_tokens",
    re.I,
)
_MODEL = re.compile(
    r"model_not_found|invalid_model|model_decommissioned|model_not_available"
    r"|\bmodels?\b.{0,80}?(?:not found|not exist|not (?:a )?valid|not available|decommissioned"
    r"|no longer|has been (?:deprecated|retired))|(?:no such|unknown|invalid|unable to access|not a"
    r" valid|(?:have|has) access to|load) (?:the )?model|no models? loaded",
    re.I | re.S,
)
_ADDRESS = re.compile(
    r"unknown_url|^\W*(?:404\b|(?:page|url|path|route|resource|endpoint)?\s*not found\W*$"
    r"|invalid url|unexpected endpoint|unknown (?:path|endpoint|route|request url)|no route"
    r"|cannot (?:post|get)\b|method not allowed|the requested (?:url|resource))",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server's no: its status, its words on one line, its names for the kind, and what it blames.

    `param` is the parameter that it names in a field of its own; `wait_s` how long it says to wait.
    """

    status: int
    said: str = ""
    names: str = ""
    param: str = ""
    wait_s: float | None = None
    is_quoting: bool = False  # it repeats what was asked

    @classmethod
    def of(cls, status: int, body: str, headers: Mapping[str, str], asked: str = "") -> "Refusal":
        """Read an answer of any shape; `asked` is the person's part of the request."""
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            data = body
        said = one_line(_words(data), 1000) or headers.get("location", "")
        fields = list(_fields(data))
        codes = [int(v) for k, v in fields if k == "code" and str(v).isdecimal()]
        if (
            status < 400 and codes and 400 <= codes[0] < 600
        ):  # a gateway that answers 200 for another server's fault
            status = codes[0]
        return cls(
            status,
            said,
            " ".join(str(v) for k, v in fields if k in _NAMES and isinstance(v, str)).lower(),
            next((v for k, v in fields if k == "param" and isinstance(v, str)), ""),
            _wait(said, headers),
            _shared(said, asked) >= QUOTED_CHARS,
        )

    @property
    def logged(self) -> str:
        """Its words for the log, where nothing that a person typed may stand."""
        return "(repeats what was asked)" if self.is_quoting else self.said[:LOGGED]

    @property
    def is_too_long(self) -> bool:
        """Whether the request is longer than the model's context."""
        return self.status in (400, 413, 422) and bool(
            self.status == 413 or _TOO_LONG.search(f"{self.names} {self.said}")
        )

    @property
    def is_without_credit(self) -> bool:
        """Whether waiting does not help: the account at the server is empty, or not paid for."""
        if self.status == 402:
            return True
        waits = self.wait_s is not None or "rate_limit" in self.names or _PER_DAY.search(self.said)
        if self.status not in (400, 403, 429) or (waits and "insufficient_quota" not in self.names):
            return False
        return bool(_NO_CREDIT.search(f"{self.names} {self.said}"))

    @property
    def is_about_the_model(self) -> bool:
        """Whether it has no model of this name."""
        if self.status == 404:
            return not self.is_about_the_address
        in_question = self.status in (400, 403, 410, 422)
        return in_question and bool(_MODEL.search(f"{self.names} {self.said}"))

    @property
    def is_about_the_address(self) -> bool:
        """Whether nothing that draws texts is at this address."""
        is_page = self.status == 404 and not self.said
        return (
            is_page
            or self.status == 405
            or (self.status in (200, 404) and bool(_ADDRESS.search(f"{self.said} {self.names}")))
        )


def _shared(said: str, asked: str) -> int:
    """The most characters in a row that a server's words share with what was asked."""
    words = " ".join(asked.split())
    return SequenceMatcher(None, said, words, autojunk=False).find_longest_match().size


class TooMuch(Exception):
    """A server sends more than any answer of its kind takes."""


class ServerRefused(Exception):
    """A language model's server said no."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.said)
        self.refusal = refusal


def error_of(error: Exception, *, is_engines: bool = False) -> Unavailable | Refused:
    """The sentence for a fault of a language model's server."""
    match error:
        case ServerRefused():
            return _sentence(error.refusal, is_engines=is_engines)
        case openai.APITimeoutError() | TimeoutError():
            return Unavailable("The language model took too long to answer. Try again in a while.")
        case TooMuch():
            return Unavailable("The language model's server sends too much. Try again later.")
        case openai.APIConnectionError():
            return Unavailable("The language model's server cannot be reached. Try again later.")
        case _:
            return Unavailable(
                "The language model's server sent an answer that makes no sense. If it stays so,"
                " the operator must check LLM_BASE_URL."
            )


def _sentence(no: Refusal, *, is_engines: bool) -> Unavailable | Refused:
    if no.is_too_long:
        return Refused("This is too long for the language model. Say it in fewer words.")
    if no.is_without_credit:
        return Refused("{what} It says: “{said}”", what=_EMPTY, said=inline(no.said, MOST_SAID))
    if no.status == 429:
        return _busy(no)
    if no.status == 401:  # without its words: they may repeat the key
        return Refused(
            "The language model's server refused the key. The operator must check LLM_API_KEY."
        )
    if no.status == 404 and is_engines:
        return Refused(
            "The engine cannot load this voice. It says: “{said}”", said=inline(no.said, MOST_SAID)
        )
    kind, what = _kind_and_cause(no)
    if not no.said:
        return kind("{reason}", reason=what)
    return kind("{what} It says: “{said}”", what=what, said=inline(no.said, MOST_SAID))


_EMPTY = say(
    "The account at the language model's server has no credit left. The operator must look at its"
    " plan and billing there."
)


def _kind_and_cause(no: Refusal) -> tuple[type[Unavailable | Refused], Words]:
    if no.is_about_the_address:
        return Refused, say(
            "Nothing at the address of the language model's server writes texts. The operator must"
            " check LLM_BASE_URL, which mostly ends in /v1."
        )
    if no.is_about_the_model:
        return Refused, say(
            "The language model's server does not know this voice."
            " The operator must check LLM_MODEL and LLM_BASE_URL."
        )
    if no.status == 403:
        return Refused, say(
            "The language model's server refuses access. The operator must check LLM_API_KEY, and"
            " what it may be used for."
        )
    if no.status < 500 and no.status not in _NOT_NOW:
        return Refused, say(
            "The language model's server refused the request (HTTP {code}).", code=no.status
        )
    return Unavailable, say("The language model's server has a fault. Try again later.")


def _busy(no: Refusal) -> Unavailable:
    if no.wait_s is None and _PER_DAY.search(no.said):
        return Unavailable(
            "The language model's server writes no more texts today. Try again tomorrow."
        )
    minutes = math.ceil((no.wait_s or 0) / 60)
    if minutes <= 1:
        return Unavailable("The language model's server is busy. Try again in a minute.")
    return Unavailable(
        "The language model's server is busy. Try again in {n} minutes.", n=min(minutes, 60 * 48)
    )


def _words(said: Any, depth: int = 0) -> str:  # Any: a stranger's JSON
    """The sentence somewhere in an answer; what it repeats of the request is left out."""
    if isinstance(said, str):
        title = re.search(r"<title[^>]*>([^<]*)", said, re.I)
        return title[1] if title else "" if said.lstrip().startswith("<") else said
    if depth > 5:
        return ""
    if isinstance(said, list):
        return "; ".join(filter(None, (_words(part, depth + 1) for part in said[:3])))
    if not isinstance(said, dict):
        return ""
    found = next(filter(None, (_words(said.get(k), depth + 1) for k in _TEXTS)), "")
    place = said.get("loc")
    if isinstance(place, list) and place:
        found = f"{place[-1]}: {found}"
    about = said.get("metadata")  # a gateway's, with the words of the server behind it
    raw = about.get("raw") if isinstance(about, dict) else None
    return f"{found}: {raw}" if isinstance(raw, str) else found


def _fields(said: Any, depth: int = 0) -> Any:  # Any: a stranger's JSON; yields names and values
    if isinstance(said, dict) and depth < 5:
        for name, value in said.items():
            yield name, value
            yield from _fields(value, depth + 1)
    elif isinstance(said, list) and depth < 5:
        for value in said[:3]:
            yield from _fields(value, depth + 1)


def _wait(said: str, headers: Mapping[str, str]) -> float | None:
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit_s
        except (KeyError, ValueError):
            pass
    found = _WAIT.search(said)
    if found is None:
        return None
    amounts = _AMOUNT.findall(found[1])
    return sum(float(n) * _SECONDS[unit.lower()] for n, unit in amounts) if amounts else None
