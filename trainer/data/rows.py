"""Kept posts -> the lines of posts.jsonl, train.jsonl and validation.jsonl, with their topics.

Finding topics is most of the work of `prepare`, so large archives share it among processes. They
get batches and return them in order; only a few batches are in memory at a time.
"""

import multiprocessing
import os
import random
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice

from bot.voice import Prompt, PromptParts
from trainer.data.folder import Example, PostRow, TopicRow, to_line
from trainer.data.staging import Kept
from trainer.data.topics import Topic, Vocabulary, find_topics
from trainer.errors import DataError

_BATCH = 500
MOST_PROCESSES = 3  # each takes about 50 MB
NO_TOPIC, ONE_TOPIC = 0.1, 0.3  # of the examples: people ask for one topic, or for any
WORTH_IT = 20_000  # posts, below which starting processes takes longer than they save

NamedPost = tuple[Kept, Sequence[str]]  # a post, and the names that a recogniser found in it


@dataclass(frozen=True, slots=True)
class RenderedPost:
    """A post with its rendered lines. `asked` are its topics as the prompt has them."""

    post: Kept
    asked: str
    sources: frozenset[str]
    line: bytes
    example: bytes


@dataclass(frozen=True, slots=True)
class Renderer:
    """Finds the topics of posts and renders their lines."""

    prompt: Prompt
    habits: Vocabulary

    def render(self, posts: Sequence[NamedPost]) -> list[RenderedPost]:
        """Render a batch of posts."""
        return [self._render(post, names) for post, names in posts]

    def _render(self, post: Kept, names: Sequence[str]) -> RenderedPost:
        topics = find_topics(post.text, post.tags, names, self.habits)
        asked = [topic.text for topic in topics]
        if post.side == "train":
            asked = _some(asked, post.id)
        return RenderedPost(
            post,
            ", ".join(asked),
            frozenset(str(topic.source) for topic in topics),
            to_line(_post_row(post, topics)),
            Example.of(self.prompt, PromptParts(", ".join(asked)), post.text).line(),
        )


def write_rows(
    posts: Iterable[NamedPost], renderer: Renderer, count: int
) -> Iterator[RenderedPost]:
    """Yield the rendered lines of each of the `count` posts, in their order."""
    todo = iter(posts)
    batches = iter(lambda: list(islice(todo, _BATCH)), [])
    processes = min(os.cpu_count() or 1, MOST_PROCESSES) if count >= WORTH_IT else 1
    if processes == 1:
        for batch in batches:
            yield from renderer.render(batch)
        return
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),  # a fork would copy the bar's thread
        initializer=_start,
        initargs=(renderer,),
    ) as pool:
        try:
            yield from _in_order(pool, batches, 2 * processes)
        except BrokenProcessPool as e:
            raise DataError(
                "A process that looked for topics was killed, most likely because memory ran out."
                " Close other programs and run this again."
            ) from e


def _in_order(
    pool: ProcessPoolExecutor, batches: Iterable[list[NamedPost]], at_once: int
) -> Iterator[RenderedPost]:
    running: deque[Future[list[RenderedPost]]] = deque()
    for batch in batches:
        running.append(pool.submit(_render_there, batch))
        if len(running) > at_once:
            yield from running.popleft().result()
    while running:
        yield from running.popleft().result()


_renderer: Renderer  # of a process that _start has prepared


def _start(renderer: Renderer) -> None:
    global _renderer  # noqa: PLW0603 - how a pool's process keeps what all its batches need
    _renderer = renderer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the pool
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent dies: a killed parent cannot end its pool."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _render_there(posts: list[NamedPost]) -> list[RenderedPost]:
    return _renderer.render(posts)


def _some(topics: list[str], seed: str) -> list[str]:
    """All topics of a post, or one, or none, so that a voice learns to do with fewer."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret, and the same in every process
    share = chance.random()
    if share < NO_TOPIC:
        return []
    return [chance.choice(topics)] if topics and share < NO_TOPIC + ONE_TOPIC else topics


def _post_row(post: Kept, topics: Sequence[Topic]) -> PostRow:
    return PostRow(
        id=post.id,
        created_at=post.created_at,
        text=post.text,
        kind=post.kind,
        topics=[TopicRow(topic.text, topic.source) for topic in topics],
        split=post.side,
    )
