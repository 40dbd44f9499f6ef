"""Drafts in a trained voice, by the bot's own path: what is judged is what is served.

The one module of the trainer that generates. It uses the bot's settings (LLM_BASE_URL and so on),
engine, client and screen, just as `python -m bot draft` does; reads the voice, writes nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

from bot.composing import OpenVoice, compose
from bot.config import DraftSettings, read_settings
from bot.engine import SLOTS, Engine
from bot.errors import BotError, UserError
from bot.llm import LLM
from bot.mastodon import status_length
from bot.screen import Rules, WordList
from bot.voice import Prompt, Voice
from bot.weights import find_weights
from trainer.errors import ServeError

MAX_CHARS = 500  # of a status, Mastodon's own default


def draft_all(
    voice: Path,
    topics: Sequence[str | None],
    count: int,
    *,
    base_prompt: Prompt | None = None,
    max_chars: int = MAX_CHARS,
    on_draft: Callable[[int, list[str]], None] = lambda *_: None,
) -> list[list[str]]:
    """Draw `count` candidates on each topic, in the order they would be shown.

    A topic whose texts all fail the screen gets none. `on_draft` is called after each topic, with
    its number and texts. With `base_prompt` the voice's base model is asked instead, by that.
    Raises ServeError if nobody can serve the voice.
    """
    try:
        return asyncio.run(_draft_all(voice, topics, count, base_prompt, max_chars, on_draft))
    except BotError as e:
        raise ServeError(str(e)) from e


async def _draft_all(
    folder: Path,
    topics: Sequence[str | None],
    count: int,
    base_prompt: Prompt | None,
    max_chars: int,
    on_draft: Callable[[int, list[str]], None],
) -> list[list[str]]:
    settings = read_settings(DraftSettings)
    opened = OpenVoice.load(folder)
    if opened.voice.backend == "local" and not settings.llm_base_url:
        find_weights(opened.voice.base, settings.base_gguf)  # before a process is started in vain
    if base_prompt:
        settings = settings.model_copy(update={"llm_model": None})  # that names the voice
        opened = replace(opened, voice=_untrained(opened.voice, base_prompt), ranker=None)
    rules = Rules(max_chars, status_length, opened.archive, WordList(settings.blocked_lines()))
    slots = asyncio.Semaphore(max(1, SLOTS // count))  # more at once would wait, and time out
    async with AsyncExitStack() as stack:
        engine = Engine(folder.parent, settings.base_gguf, settings.engine_threads)
        stack.push_async_exit(engine)
        llm = LLM.from_settings(settings, engine.ready)
        stack.push_async_callback(llm.close)

        async def draft(number: int, topic: str | None) -> list[str]:
            texts: list[str] = []
            async with slots:
                with suppress(UserError):  # nothing on this topic passed the screen
                    texts = [c.text for c in await compose(llm, opened, topic, count, rules)]
            on_draft(number, texts)
            return texts

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(draft(*row)) for row in enumerate(topics)]
        except ExceptionGroup as e:  # the first that failed ended the others
            raise e.exceptions[0] from e
    return [task.result() for task in tasks]


def _untrained(voice: Voice, prompt: Prompt) -> Voice:
    """The base model as if it were a voice: servers of adapters know it by its own name."""
    return replace(voice, name=voice.base.name, model=voice.base.name, prompt=prompt)
