"""Kept posts -> the lines of posts.jsonl, train.jsonl and validation.jsonl, as they are asked for.

Some examples ask by notes of the post, the others by topics, or for anything.

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
from typing import NamedTuple

from bot.voice import Prompt, PromptParts
from bot.voice.facts import FactKind, facts
from bot.voice.marks import PLAIN_MARKS
from bot.voice.notes import NO_WORDING, Wording, notes_of
from trainer.data.folder import Example, PostRow, TopicRow, to_line
from trainer.data.staging import Kept
from trainer.data.topics import Topic, Vocabulary, find_topics
from trainer.errors import DataError

_BATCH = 500
MOST_PROCESSES = 3  # each takes about 50 MB
NO_TOPIC, ONE_TOPIC = 0.25, 0.3  # of the examples without notes: people ask for one, or for any
# Of the posts with numbers or links that no topic tells, and of the others: whoever learns to write
# numbers from bare topics invents them. More made texts from notes no truer, and those on bare
# topics less like the author (experiments/LOG.md).
BY_NOTES_WITH_FIGURES, BY_NOTES = 0.4, 0.15
ALONE = 0.5  # of the examples with notes: without a topic beside them
SMALL_WORDS = (1.0, 1.0, 0.5, 0.5, 0.0)  # how much of them notes keep, each as often
_INVENTED: tuple[FactKind, ...] = (
    "number",
    "quotation",
    "link",
)  # what a bare topic tempts a voice to make up
WORTH_IT = 20_000  # posts, below which starting processes takes longer than they save

NamedPost = tuple[Kept, Sequence[str]]  # a post, and the names that a recogniser found in it


class RenderedPost(NamedTuple):
    """A post with its rendered lines, and how it is asked for.

    A tuple, as `Kept` is: between processes it travels in a quarter of the time of a dataclass.
    """

    post: Kept
    asked: PromptParts
    sources: frozenset[str]
    line: bytes
    example: bytes


@dataclass(frozen=True, slots=True)
class Renderer:
    """Finds the topics of posts and renders their lines."""

    prompt: Prompt
    habits: Vocabulary
    wording: Wording = NO_WORDING

    def render(self, posts: Sequence[NamedPost]) -> list[RenderedPost]:
        """Render a batch of posts."""
        return [self._render(post, names) for post, names in posts]

    def _render(self, post: Kept, names: Sequence[str]) -> RenderedPost:
        topics = find_topics(post.text, post.tags, names, self.habits)
        names_of_topics = [topic.text for topic in topics]
        asked = PromptParts(", ".join(names_of_topics))
        if post.side == "train":
            asked = self._asked(post, names_of_topics)
        return RenderedPost(
            post,
            asked,
            frozenset(str(topic.source) for topic in topics),
            to_line(_post_row(post, topics)),
            Example.of(self.prompt, asked, PLAIN_MARKS.set_in(post.text)).line(),
        )

    def _asked(self, post: Kept, topics: list[str]) -> PromptParts:
        """Ask for a post by notes, by topics, or for anything, so that a voice learns all three."""
        chance = random.Random(post.id)  # noqa: S311 - no secret, and the same in every process
        share, some = chance.random(), _some(topics, chance)
        by_notes = share < BY_NOTES
        if not by_notes and share < BY_NOTES_WITH_FIGURES:
            told = ", ".join(topics)
            by_notes = any(f.text not in told for f in facts(post.text, kinds=_INVENTED))
        if not by_notes:
            return PromptParts(", ".join(some))
        notes = notes_of(post.text, self.wording, chance.choice(SMALL_WORDS), chance)
        topic = None if chance.random() < ALONE else ", ".join(some or topics[:1])
        return PromptParts(topic, notes=notes)


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


def _some(topics: list[str], chance: random.Random) -> list[str]:
    """All topics of a post, or one, or none, so that a voice learns to do with fewer."""
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
