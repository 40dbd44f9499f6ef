"""The made-up owners of experiments/owner.py: what they dislike in a text, and how they decide.

They know nothing of the ranker's features.
"""

import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from bot.draft import Candidate, Draft, State
from bot.store import Store
from bot.voice.ranker import Ranker
from trainer.drawing.kept import CANDIDATES

NOISE = 0.1  # of decisions that are made without looking
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = "https://example.org @owner"

Faults = Callable[[str], int]  # what an owner dislikes in a text; none: good enough

_LOFTY = re.compile(
    r"\b(?:great\w*|amazing|incredibl[ey]|best|worst|biggest|huge|awesome|stunning|spectacular"
    r"|beautiful|most|never|ever|very|largest|love|outrageous|obscene|must)\b",
    re.IGNORECASE,
)


def sober(_: Sequence[str]) -> Faults:
    """At most 80 characters, whoever writes; no hashtag, no cry, no capitals, nothing lofty."""

    def faults(text: str) -> int:
        shouts = [word for word in text.split() if len(word) > 3 and word.isupper()]
        return (
            (len(text) > 80)
            + ("#" in text)
            + ("!" in text)
            + bool(shouts)
            + bool(_LOFTY.search(text))
        )

    return faults


def curious(posts: Sequence[str]) -> Faults:
    """Asks its readers something, in more than a few words, and does not shout."""
    usual = median(map(len, posts))

    def faults(text: str) -> int:
        return ("?" not in text) + (len(text) < usual / 2) + (text.count("!") > 0)

    return faults


def reporter(posts: Sequence[str]) -> Faults:
    """One sentence with a figure in it; of nobody's feelings, neither the writer's nor yours."""
    mine = {"i", "we", "our", "us", "my", "you", "your", "let's"}

    def faults(text: str) -> int:
        words = {word.strip(".,:;!?“”\"'").lower() for word in text.split()}
        sentences = len(re.findall(r"[.!?](?=\s)", text.strip()))
        return (
            (sentences > 0)
            + (not any(map(str.isdigit, text)))
            + bool(mine & words)
            + ("\n" in text)
        )

    return faults


OWNERS = {"sober": sober, "curious": curious, "reporter": reporter}


class Deciding:
    """An owner at a bot's store: looks at four texts, approves, mends, asks again or rejects."""

    def __init__(self, store: Store, voice: str, faults: Faults, chance: random.Random) -> None:
        self.decided = 0
        self._store, self._voice, self._faults, self._chance = store, voice, faults, chance

    async def decide(self, topic: str | None, texts: Sequence[str], ranker: Ranker) -> None:
        """One draft, and if the owner asks for others, those in its place."""
        left = [*range(len(texts))]
        old: Draft | None = None
        for is_last in (False, True):
            order = ranker.choose([texts[i] for i in left], topic, CANDIDATES, self._chance)
            shown = [left[i] for i in order]
            if not shown:
                return
            left = [i for i in left if i not in shown]
            draft = await self._show(topic, [texts[i] for i in shown], old)
            self.decided += 1
            position = min(range(len(shown)), key=lambda i: self._faults(texts[shown[i]]))
            if self._chance.random() < NOISE:  # without looking
                position = self._chance.randrange(len(shown))
                wish = self._chance.choice(("approve", "again", "reject"))
            else:
                wish = self._wish(texts[shown[position]])
            if wish in ("approve", "mend"):
                await self._approve(draft, position, mends=wish == "mend")
                return
            if is_last or wish == "reject" or not left:
                await self._store.decisions.close_draft(draft.id, State.REJECTED, self._now)
                return
            old = draft

    def _wish(self, best: str) -> str:
        if self._faults(best) == 0:
            return "approve"
        is_mended = self._faults(best) == 1 and self._faults(mended(best)) == 0
        return "mend" if is_mended and self._chance.random() < 0.3 else "again"

    @property
    def _now(self) -> datetime:
        return NOW + timedelta(minutes=self.decided)

    async def _show(self, topic: str | None, texts: Sequence[str], old: Draft | None) -> Draft:
        candidates = tuple(Candidate(text, len(text)) for text in texts)
        new = Draft(1, self._voice, topic, candidates, 500, self._now)
        store = self._store
        stored = await (
            store.decisions.replace(old.id, new, self._now, None) if old else store.drafts.add(new)
        )
        assert stored
        await store.drafts.shown(stored, 1, stored.id)
        return stored

    async def _approve(self, draft: Draft, position: int, *, mends: bool) -> None:
        decisions, candidate = self._store.decisions, draft.candidates[position]
        if mends:
            text = mended(candidate.text)
            candidate = Candidate(text, len(text), (), candidate.text)
            assert await decisions.edit(draft.id, position, candidate, self._now)
        assert await decisions.claim(
            draft.id, position, candidate.fingerprint, (ACCOUNT,), self._now
        )
        await decisions.mark_published(draft.id)


def mended(text: str) -> str:
    """A text as somebody in a hurry edits it: the marks are taken off."""
    return text.replace("#", "").replace("!", ".")
