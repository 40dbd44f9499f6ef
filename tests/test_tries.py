"""When what Discord does not take is tried again, and when no more."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest

from bot.chat.tries import Tries

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DRAFT, OWNER = 3, 7


def _http(status: int) -> discord.HTTPException:
    answer: Any = SimpleNamespace(status=status, reason="No")  # what discord.py reads of a response
    return discord.HTTPException(cast(aiohttp.ClientResponse, answer), {"code": 0, "message": "no"})


def _tried_at(error: Exception, minutes: int) -> list[int]:
    """The minutes at which something that always fails is tried."""
    tries, tried = Tries(), list[int]()
    for minute in range(minutes):
        now = NOW + timedelta(minutes=minute)
        if tries.is_due(DRAFT, now):
            tried.append(minute)
            tries.go_on(DRAFT, OWNER, error, now)
    return tried


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_tried_five_times(status: int) -> None:
    assert _tried_at(_http(status), 3 * 24 * 60) == [0, 1, 2, 3, 5]


def test_who_opens_many_dms_at_once_is_only_too_fast() -> None:
    fast = _http(400)
    fast.code = 40003
    assert len(_tried_at(fast, 60)) > 5


@pytest.mark.parametrize("error", [_http(429), _http(500), _http(503), TimeoutError(), OSError()])
def test_an_outage_is_waited_for_a_day_with_growing_pauses(error: Exception) -> None:
    tried = _tried_at(error, 3 * 24 * 60)
    assert tried[:10] == [0, 1, 2, 3, 5, 8, 14, 25, 47, 90]
    assert tried[-1] - tried[-2] == 60
    assert 24 * 60 < tried[-1] < 26 * 60
    assert len(tried) < 40


def test_what_works_is_forgotten_and_who_is_here_is_tried_at_once() -> None:
    tries = Tries()
    assert tries.go_on(DRAFT, OWNER, _http(403), NOW)
    assert not tries.is_due(DRAFT, NOW)
    tries.end(DRAFT)
    assert tries.is_due(DRAFT, NOW)
    tries.go_on(DRAFT, OWNER, _http(403), NOW)
    tries.begin_again(OWNER + 1)
    assert not tries.is_due(DRAFT, NOW)
    tries.begin_again(OWNER)
    assert tries.is_due(DRAFT, NOW)
