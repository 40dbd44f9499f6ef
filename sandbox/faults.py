"""Faults on order: a test makes the loopback Discord fail.

A fault waits for requests that match its method and path, spoils a given number of them, and is
then spent. Paths are those after /api/v10, matched whole.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.objects import Json


@dataclass(slots=True)
class InjectedFault:
    """One way to fail."""

    method: str
    path: re.Pattern[str]
    times: int
    status: int | None = None  # None: the socket is cut without an answer
    body: Json | None = None
    headers: Mapping[str, str] | None = None
    delay_s: float = 0.0
    is_after_work: bool = False  # the work is done, only its answer is lost
    is_only_slow: bool = False  # after the delay all is well


class Faults:
    """The waiting faults."""

    def __init__(self) -> None:
        self._waiting: list[InjectedFault] = []

    def fail(
        self,
        method: str,
        path_regex: str,
        status: int,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        *,
        is_after_work: bool = False,
    ) -> None:
        """Answer with this status; with `is_after_work` only after carrying out the request."""
        body = body or {"message": f"{status}: told to fail", "code": 0}
        path = re.compile(path_regex)
        self._waiting.append(
            InjectedFault(method, path, times, status, body, headers, is_after_work=is_after_work)
        )

    def rate_limit(
        self,
        method: str,
        path_regex: str,
        retry_after_s: float = 0.3,
        times: int = 1,
        *,
        is_global: bool = False,
    ) -> None:
        """Answer 429 as Discord does; its `Via` header, which discord.py needs, is always there."""
        headers = {"Retry-After": str(max(1, round(retry_after_s)))}
        if is_global:
            headers |= {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
        else:
            headers |= {
                "X-RateLimit-Scope": "user",
                "X-RateLimit-Bucket": "limited",
                "X-RateLimit-Limit": "1",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": f"{time.time() + retry_after_s:.3f}",
                "X-RateLimit-Reset-After": f"{retry_after_s:.3f}",
            }
        body = {
            "message": "You are being rate limited.",
            "retry_after": retry_after_s,
            "global": is_global,
        }
        self.fail(method, path_regex, 429, body, headers, times)

    def hang(self, method: str, path_regex: str, seconds: float, times: int = 1) -> None:
        """Begin the work only after this long."""
        path = re.compile(path_regex)
        self._waiting.append(InjectedFault(method, path, times, delay_s=seconds, is_only_slow=True))

    def cut(
        self, method: str, path_regex: str, times: int = 1, *, is_after_work: bool = False
    ) -> None:
        """Cut the connection instead of answering, before or after the work was done."""
        path = re.compile(path_regex)
        self._waiting.append(InjectedFault(method, path, times, is_after_work=is_after_work))

    def clear(self) -> None:
        """All is well again."""
        self._waiting.clear()

    async def take(self, method: str, path: str) -> InjectedFault | None:
        """The fault this request runs into, if any; a slow one is slept through here."""
        for fault in self._waiting:
            if fault.times and fault.method == method and fault.path.fullmatch(path):
                fault.times -= 1
                await asyncio.sleep(fault.delay_s)
                return None if fault.is_only_slow else fault
        return None
