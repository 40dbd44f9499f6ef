"""From a voice and a topic to candidates: draw texts, screen them, choose the likest.

What `/draft` shows, `bot draft` prints and the trainer judges all comes from here.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot import metrics
from bot.draft import Candidate
from bot.errors import UserError
from bot.llm import LLM
from bot.others import Others
from bot.ranker import Ranker
from bot.screen import Archive, Rejected, Rules, screen
from bot.voice import Voice, load_posts
from bot.words import Words, say

AT_ONCE = 4  # texts a request: llama.cpp refuses more than it has slots
DRAWN_AT_MOST = 16  # texts a draft, or four for each candidate: to choose from, or to fail


@dataclass(frozen=True, slots=True)
class OpenVoice:
    """A voice ready to write: with its topics, most written about first, and its archive."""

    voice: Voice
    topics: dict[str, int]  # and how many posts are about each
    days: dict[str, frozenset[str]]  # "MM-DD" -> topics written about on that day in any year
    archive: Archive
    ranker: Ranker | None = None  # voices at a provider, and those of before, have none

    @classmethod
    def load(cls, folder: Path) -> "OpenVoice":
        """Read a voice folder. Raises VoiceError."""
        voice, posts = Voice.load(folder), load_posts(folder)
        counts = Counter(topic for post in posts for topic in post.topics)
        days = defaultdict[str, set[str]](set)
        for post in posts:
            if post.created_at:
                days[post.created_at[5:10]].update(post.topics)
        return cls(
            voice,
            dict(counts.most_common()),
            {day: frozenset(topics) for day, topics in days.items()},
            Archive((post.text for post in posts), Others.load(folder)),
            Ranker.load(folder),
        )


@metrics.timed("compose")
async def compose(
    llm: LLM,
    opened: OpenVoice,
    topic: str | None,
    count: int,
    rules: Rules,
    taken: Sequence[str] = (),
    instruction: str | None = None,
) -> tuple[Candidate, ...]:
    """Draw candidates that pass the screen and choose up to `count`, in the order to show them.

    Threads are offered only where short ones lack. Raises UserError if there is none.
    """
    short: list[Candidate] = []
    threads: list[Candidate] = []
    dropped: list[Rejected] = []
    rules = replace(rules, prompt=opened.voice.prompt.system)
    messages = opened.voice.messages(_asked(opened, topic, instruction))
    named = f"{topic or ''}\n{instruction or ''}"
    left = max(DRAWN_AT_MOST, 4 * count)
    wanted = left if opened.ranker else count
    while left > 0 and (missing := wanted - len(short)) > 0:
        asked = min(missing, AT_ONCE, left)
        texts = await llm.complete(opened.voice, messages, asked)
        left -= asked
        known = [*taken, *(c.text for c in (*short, *threads))]
        passed, failed = screen(texts, named, rules, known)
        short += [c for c in passed if not c.parts]
        threads += [c for c in passed if c.parts]
        dropped += failed
    if not short and not threads:
        raise UserError(
            "None of the texts could be offered ({reasons}). Try again, or try another topic.",
            reasons=_reasons(dropped),
        )
    if opened.ranker:
        order = opened.ranker.choose([c.text for c in short], topic, count, random.Random())  # noqa: S311 - no secret
        short = [short[i] for i in order]
    return (*short, *threads)[:count]


def _asked(opened: OpenVoice, topic: str | None, instruction: str | None) -> str | None:
    """What stands where voices learnt to find the topic: an instruction goes on a line below it."""
    if not instruction:
        return topic
    return f"{topic or opened.voice.prompt.no_topic}\n{instruction}"


def _reasons(dropped: Sequence[Rejected]) -> Words:
    """The reasons with their counts, most common first."""
    words = {r.reason.template: r.reason for r in dropped}
    told: Words | None = None
    for template, n in Counter(r.reason.template for r in dropped).most_common():
        one = say("{n}× {reason}", n=n, reason=words[template])
        told = say("{reasons}; {reason}", reasons=told, reason=one) if told else one
    return told or say("the model wrote nothing usable")
