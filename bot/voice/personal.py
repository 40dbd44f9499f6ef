"""Personal data in a text: e-mail addresses, phone numbers, bank accounts, cards, keys.

Pure. The trainer uses it on the posts it learns from, the bot on a model's texts. Libraries decide
on each match: libphonenumber's metadata, python-stdnum's checksums, and the patterns of
detect-secrets. Does not look for names and street addresses.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector
from phonenumbers import (
    Leniency,
    NumberParseException,
    PhoneNumberMatcher,
    is_valid_number,
    parse,
)
from stdnum import iban, luhn
from stdnum.us import ssn

PersonalKind = Literal[
    "key", "e-mail address", "bank account", "card number", "social security number", "phone number"
]

REMOVED = "…"  # people write it too: a model that learns it writes no "[e-mail address]"

# A quick check before the close look: most posts hold no digits and no long words.
_MAY_DIAL = re.compile(r"\d(?:[^\w\n]{0,3}\d){6}")
_AT, _SPELLED_AT = re.compile(r"\w@\w"), re.compile(r"[\[({]at[\])}]", re.I)
_SHORTEST_KEY = 16
PIECE = 5000  # characters searched together
MOST_TRIES = 200  # numbers of a piece that turn out to be none
_LINK = re.compile(r"\bhttps?://\S+|\bwww\.\S+")

_EMAIL = re.compile(  # @user@server is a handle of the fediverse
    r"(?<![\w.@/+-])[\w.+-]*\w@(?:[\w-]+\.)+[^\W\d_]{2,}(?![\w@])"
    r"|(?<![\w.+-])[\w.+-]*\w ?[\[({]at[\])}] ?[\w-]+(?: ?(?:[\[({]dot[\])}]|\.) ?[\w-]+)+",
    re.I,
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d\d(?: ?[A-Z0-9]){11,30}(?!\w)", re.I)
_CARD = re.compile(r"(?<![\w.,])\d(?:[ -]?\d){12,15}(?![\w,])")
_CARD_BRANDS = (
    re.compile(  # lengths and first digits: Visa, Mastercard, Amex, Discover, Diners, JCB
        r"4\d{15}|4\d{12}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}"
        r"|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}"
    )
)
_SSN = re.compile(r"(?<![\w-])\d{3}-\d\d-\d{4}(?![\w-])")

_KEYS: tuple[re.Pattern[str], ...] = (
    *(
        pattern
        for detector in (
            AWSKeyDetector(),
            AzureStorageKeyDetector(),
            BasicAuthDetector(),
            DiscordBotTokenDetector(),
            GitHubTokenDetector(),
            GitLabTokenDetector(),
            JwtTokenDetector(),
            MailchimpDetector(),
            OpenAIDetector(),
            PypiTokenDetector(),
            SendGridDetector(),
            SlackDetector(),
            SquareOAuthDetector(),
            StripeDetector(),
            TelegramBotTokenDetector(),
            TwilioKeyDetector(),
        )
        for pattern in detector.denylist
    ),
    # Its private key detector finds the first line only.
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY.*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\Z)", re.S
    ),
    # Keys that are younger than its last release.
    re.compile(
        r"\bgithub_pat_\w{22,}|\bsk-(?:ant-|proj-|or-)?[\w-]{32,}|\bAIza[\w-]{35}|\bhf_\w{34}"
    ),
)

_REST_OF_KEY = re.compile(r"[\w+/=-]+")  # some patterns end before their key does

# A number without a country code is read as one of these countries writes its phone numbers.
# Those whose numbers begin with 0 come first; Spain's and Poland's look like any other number.
_REGIONS = ("US", "GB", "DE", "FR", "IT", "NL", "AU", "JP", "ES", "PL", "BR", "IN")
_US_STYLE = re.compile(r"(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-./])\d{3}[-. ]\d{4}")
_US_ALONE = re.compile(rf"(?<![\w.,-]){_US_STYLE.pattern}(?![\w-])")
_ABROAD = re.compile(r"(?<!\w)\+\d[\d ()./-]{6,20}\d(?!\w)")
_LAST_DIGITS = re.compile(r"(?:[ ()./-]+|^\+?)\d+$")
_TRUNK_STYLE = re.compile(r"\(?(?!0123456789)0[1-9]")
_DATES = re.compile(
    r"(?:\d\d?[-./ ]\d\d?[-./ ](?:19|20)?\d\d\W*){1,2}|(?:[012]\d\.[0-5]\d\W+){2,}\d\d\.\d\d"
)
_PHONE_WORD = re.compile(
    r"(?:phone|call|text|ring|dial|tel|telef\w*|fon|mobile?|cell|handy|fax|sms|whats ?app|signal"
    r"|hotline|reach|contact|ll[aá]ma\w*|appele\w*|chiama\w*|ruf\w*|ligue|zadzwo\w*|☎️?|📞|📱)\W*(?:\w+\W+){0,3}$",
    re.I,
)


class Found(NamedTuple):
    """A span of a text: text[start:end]."""

    kind: PersonalKind
    start: int
    end: int
    text: str


def find(text: str) -> list[Found]:
    """Find personal data, in the order of the text; no two spans overlap."""
    if not _may_hold(text):
        return []
    return [
        found._replace(start=start + found.start, end=start + found.end)
        for start, piece in _pieces(text)
        for found in _find(piece)
    ]


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Cut a long text between words: a hostile one would take some patterns square time."""
    start = 0
    while len(text) - start > PIECE:
        end = max(text.rfind(" ", start, start + PIECE), text.rfind("\n", start, start + PIECE))
        end = end + 1 if end > start else start + PIECE
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _find(text: str) -> list[Found]:
    found: list[Found] = []
    plain = _LINK.sub(lambda link: " " * len(link[0]), text)  # the digits in links are no numbers
    for kind, spans, where in _SEARCHES:
        for start, end in spans(text if where == "links too" else plain):
            if all(end <= other.start or other.end <= start for other in found):
                found.append(Found(kind, start, end, text[start:end]))
                plain = plain[:start] + "\n" * (end - start) + plain[end:]  # no part of another
    return sorted(found, key=lambda f: f.start)


def _may_hold(text: str) -> bool:
    return (
        _MAY_DIAL.search(text) is not None
        or max(map(len, text.split()), default=0) >= _SHORTEST_KEY
        or _may_be_at(text)
        or "PRIVATE KEY" in text
    )


def _may_be_at(text: str) -> bool:
    """Whether a text may hold an e-mail address."""
    is_bracketed = "[" in text or "(" in text or "{" in text
    if is_bracketed and _SPELLED_AT.search(text):
        return True
    return "@" in text and _AT.search(text) is not None


def mask(text: str, found: Sequence[Found]) -> str:
    """Replace each span by an ellipsis."""
    for span in reversed(found):
        text = text[: span.start] + REMOVED + text[span.end :]
    return text


def shorten(found: Found) -> str:
    """Identify it without giving it away: j…@example.org, DE…00, +49…21."""
    name, at, server = found.text.partition("@")
    if found.kind == "e-mail address" and at:
        return f"{name[0]}{REMOVED}@{server}"
    return found.text[:3].rstrip() + REMOVED + ("" if found.kind == "key" else found.text[-2:])


Spans = Iterator[tuple[int, int]]


def _keys(text: str) -> Spans:
    for pattern in _KEYS:
        for match in pattern.finditer(text):
            rest = _REST_OF_KEY.match(text, match.end())
            yield match.start(), rest.end() if rest else match.end()


def _emails(text: str) -> Spans:
    return (match.span() for match in _EMAIL.finditer(text)) if _may_be_at(text) else iter(())


def _ibans(text: str) -> Spans:
    """Try a number also without the words behind it: each country has its own length."""
    for match in _IBAN.finditer(text):
        for end in range(match.end(), match.start() + 14, -1):
            if text[end - 1] != " " and iban.is_valid(text[match.start() : end]):
                yield match.start(), end
                break


def _cards(text: str) -> Spans:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _CARD_BRANDS.fullmatch(digits) and luhn.is_valid(digits):
            yield match.span()


def _social_security_numbers(text: str) -> Spans:
    return (match.span() for match in _SSN.finditer(text) if ssn.is_valid(match[0]))


def _phones(text: str) -> Spans:
    if not _MAY_DIAL.search(text):
        return
    # The matcher adds the digits behind a number, and so misses one: "+49 171 2345678 24/7".
    for alone in (*_US_ALONE.finditer(text), *_ABROAD.finditer(text)):
        number = alone[0]
        while number and not _is_valid(number):
            shorter = _LAST_DIGITS.sub("", number)
            number = shorter if shorter != number else ""
        if number:
            yield alone.start(), alone.start() + len(number)
    for match in PhoneNumberMatcher(text, None, Leniency.VALID, MOST_TRIES):
        yield match.start, match.end
    for region in _REGIONS:
        for match in PhoneNumberMatcher(text, region, Leniency.VALID, MOST_TRIES):
            if _is_written_as_phone(match.raw_string, text[: match.start]):
                yield match.start, match.end


def _is_valid(number: str) -> bool:
    try:
        return is_valid_number(parse(number, "US"))
    except NumberParseException:
        return False


def _is_written_as_phone(number: str, before: str) -> bool:
    """Whether a possible phone number is meant as one, by its form or a word before it."""
    if _DATES.fullmatch(number):
        return False
    if _US_STYLE.fullmatch(number) or _TRUNK_STYLE.match(number):
        return True
    return _PHONE_WORD.search(before[-40:]) is not None


_SEARCHES: tuple[tuple[PersonalKind, Callable[[str], Spans], str], ...] = (
    ("key", _keys, "links too"),
    ("e-mail address", _emails, ""),
    ("bank account", _ibans, ""),
    ("card number", _cards, ""),
    ("social security number", _social_security_numbers, ""),
    ("phone number", _phones, ""),
)
