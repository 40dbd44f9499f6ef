"""Draws texts in a trained voice by the bot's own path, so the judged texts are the served ones.

The one module of the trainer that generates. It uses the bot's settings (LLM_BASE_URL and so on),
engine, client and screen, just as `python -m bot draft` does. Reads the voice, writes nothing.
"""

import asyncio
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bot.config import DraftSettings, read_settings
from bot.errors import BotError
from bot.voice import Prompt, PromptParts, Voice
from bot.voice.notes import NO_WORDING, Wording
from bot.voice.ranker import Ranker
from bot.voice.weights import find_weights
from bot.writing.composing import (
    AT_ONCE,
    Drawn,
    OpenVoice,
    Request,
    draw,
    drawn_for,
    together,
)
from bot.writing.engine_child import POOL_TOKENS, SLOT_TOKENS, SLOTS
from bot.writing.llm import LLM
from bot.writing.screen import Rules, WordList
from bot.writing.thread import candidate_of, status_length
from trainer.errors import ServeError

MAX_CHARS = 500  # of a status, Mastodon's own default
_ROOM = POOL_TOKENS // SLOT_TOKENS  # long prompts that a server of the engine holds side by side
_PATIENCE_S = 900.0  # a request: nobody waits for it, and a busy machine takes its time


def draw_all(
    voice: Path,
    asked: Sequence[PromptParts],
    count: int,
    *,
    base_prompt: Prompt | None = None,
    max_chars: int = MAX_CHARS,
    on_draft: Callable[[int, list[str]], None] = lambda *_: None,
) -> list[list[str]]:
    """The texts the bot would choose from for each request: `count`, or more if there is a ranker.

    A request has a topic, notes as a person types them, or both. If all its texts fail the screen,
    it gets none. Calls `on_draft` after each, with its number and texts. With `base_prompt` the
    voice's base model writes instead, by that prompt, once a request, and nothing is screened.
    Raises ServeError if nobody can serve the voice.
    """
    try:
        return asyncio.run(_draw_all(voice, asked, count, base_prompt, max_chars, on_draft))
    except BotError as e:
        raise ServeError(str(e)) from e


def shown(
    texts: Sequence[str],
    asked: PromptParts,
    count: int,
    ranker: Ranker | None,
    choice: int = 0,
    wording: Wording = NO_WORDING,
) -> list[str]:
    """The texts that the bot would show of the drawn ones, in their order.

    Chance is the same every time; another `choice` is as likely.
    """
    chance = random.Random("\n".join(texts) + "\n" * choice)  # noqa: S311 - no secret
    request = Request(asked.topic, count, asked.instruction, notes=asked.notes)
    candidates = [candidate_of(text, len(text) + 1, len) for text in texts]
    drawn = Drawn(request, candidates, [], [], wording)
    return [candidate.text for candidate in drawn.choose(ranker, chance)]


async def _draw_all(
    folder: Path,
    asked: Sequence[PromptParts],
    count: int,
    base_prompt: Prompt | None,
    max_chars: int,
    on_draft: Callable[[int, list[str]], None],
) -> list[list[str]]:
    settings = read_settings(DraftSettings)
    opened = OpenVoice.load(folder)
    if opened.voice.backend == "local" and not settings.llm_base_url:
        find_weights(opened.voice.base, settings.base_gguf)  # before starting a process in vain
    if base_prompt:
        settings = settings.model_copy(update={"llm_model": None})  # it would name the voice
        opened = replace(opened, voice=_untrained(opened.voice, base_prompt), ranker=None)
    rules = Rules(max_chars, status_length, opened.known_posts, WordList(settings.blocked_lines()))
    wanted = drawn_for(count, opened.ranker)
    # Nobody waits for the bot's other work here: every core, as in a training.
    servers = settings.engine_threads or os.cpu_count() or 1
    requests = servers * (_ROOM if base_prompt else SLOTS // min(wanted, AT_ONCE))
    at_once = asyncio.Semaphore(1 + requests)  # drafts: each has a request or more
    settings = settings.model_copy(update={"voices": folder.parent})
    async with LLM.open(settings, requests, _PATIENCE_S, servers) as llm:

        async def texts_for(parts: PromptParts) -> list[str]:
            if base_prompt:  # unscreened: the screen is a part of the voice that is compared
                return await llm.complete(opened.voice, opened.voice.messages(parts), 1)
            request = Request(parts.topic, count, parts.instruction, notes=parts.notes)
            drawn = await draw(llm, opened, request, rules)
            return [c.text for c in drawn.short or drawn.threads]

        async def draft(number: int, parts: PromptParts) -> list[str]:
            async with at_once:
                texts = await texts_for(parts)
            on_draft(number, texts)
            return texts

        return await together(draft(*row) for row in enumerate(asked))


def _untrained(voice: Voice, prompt: Prompt) -> Voice:
    """The base model as a voice: servers of adapters know it by its own name."""
    return replace(voice, name=voice.base.name, model=voice.base.name, prompt=prompt)
