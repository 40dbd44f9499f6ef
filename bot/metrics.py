"""Counters and timers for Prometheus; health.py serves them. Every label has few values."""

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from time import monotonic
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar

from prometheus_client import Counter, Gauge, Histogram

P = ParamSpec("P")
_T = TypeVar("_T")
_Work: TypeAlias = Coroutine[Any, Any, _T]  # of an async function; it sends and takes nothing
TimedStep = Literal["first response", "wait", "compose", "publish"]

STEP_SECONDS = Histogram(
    "bot_step_seconds",
    "Seconds a step took; Discord gives 3 for a first response",
    ["step"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 40, 80, 160),
)
DECISIONS = Counter("bot_decisions", "Decisions on drafts: approve, reject, …", ["action"])
STATUSES = Counter("bot_statuses", "Statuses posted", ["network"])
ECHOES = Counter(
    "bot_echoes", "Asked what came of a post: read, gone, later, given up", ["outcome"]
)
TOKENS = Counter("bot_generated_tokens", "Tokens the language model generated")
DRAFTS = Gauge("bot_drafts", "Drafts in each state", ["state"])
WAITING = Gauge("bot_drafts_waiting", "Drafts in the line before the language model")
IN_HAND = Gauge("bot_work_in_hand", "Interactions, reactions and jobs being worked on")
GATEWAY_SECONDS = Gauge("bot_gateway_latency_seconds", "Discord's gateway, from beat to answer")
UP = Gauge("bot_up", "1 while this part is well", ["part"])


def timed(step: TimedStep) -> Callable[[Callable[P, _Work[_T]]], Callable[P, _Work[_T]]]:
    """Time every call of an async function as one step, also a call that fails."""

    def decorate(call: Callable[P, _Work[_T]]) -> Callable[P, _Work[_T]]:
        @wraps(call)
        async def timed_call(*args: P.args, **kwargs: P.kwargs) -> _T:
            with STEP_SECONDS.labels(step).time():
                return await call(*args, **kwargs)

        return timed_call

    return decorate


def generated(tokens: object) -> None:
    """Count the tokens that the model's server reports; it may report anything."""
    if isinstance(tokens, int) and tokens > 0:
        TOKENS.inc(tokens)


_arrived_s: ContextVar[float | None] = ContextVar("arrived_s", default=None)


def arrived() -> None:
    """An interaction arrived; the current task answers it."""
    _arrived_s.set(monotonic())


def responded() -> None:
    """The current task's first response has been taken."""
    if (since := _arrived_s.get()) is not None:
        STEP_SECONDS.labels("first response").observe(monotonic() - since)
