"""From a voice and a topic to candidates: draw texts, keep those that pass the screen.

What `/draft` shows, `bot draft` prints and the trainer judges all comes from here.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import metrics
from bot.draft import Candidate
from bot.errors import UserError
from bot.llm import LLM
from bot.screen import Archive, Rejected, Rules, screen
from bot.voice import Voice, load_posts
from bot.words import Words, say

AT_ONCE = 4  # texts a request: llama.cpp refuses more than it has slots
DRAWN_AT_MOST = 16  # texts a draft, or four for each candidate: some do not pass the screen


@dataclass(frozen=True, slots=True)
class OpenVoice:
    """A voice ready to write: with its topics, most written about first, and its archive."""

    voice: Voice
    topics: dict[str, int]  # and how many posts are about each
    days: dict[str, frozenset[str]]  # "MM-DD" -> topics written about on that day in any year
    archive: Archive

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
            Archive(post.text for post in posts),
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
    """Draw up to `count` candidates that pass the screen; threads only where short ones lack.

    Raises UserError if there is none.
    """
    short: list[Candidate] = []
    threads: list[Candidate] = []
    dropped: list[Rejected] = []
    messages = opened.voice.messages(_asked(opened, topic, instruction))
    named = f"{topic or ''}\n{instruction or ''}"
    left = max(DRAWN_AT_MOST, 4 * count)
    while left > 0 and (missing := count - len(short)) > 0:
        asked = min(missing, AT_ONCE)
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
