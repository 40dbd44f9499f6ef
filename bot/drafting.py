"""The use cases, from a topic to a status: the story of the program, one page.

compose     draw texts from the voice and keep those that pass the screen
write_draft compose, then store        suggest  the same on a topic of the archive, once a day
approve     claim, post once, record   settle   finish what a crash or a fault left half-way
reject, revise
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bot.draft import Candidate, Draft, State
from bot.errors import BotError, Refused, Unavailable, UserError
from bot.llm import LLM
from bot.mastodon import Mastodon
from bot.screen import Archive, Rejected, Rules, screen
from bot.store import Store
from bot.voice import Voice, load_posts

DRAWN_AT_MOST = 16  # texts a draft, or four for each candidate: some do not pass the screen
LATELY = 30  # topics drafted about that the daily suggestion leaves alone


@dataclass(frozen=True, slots=True)
class OpenVoice:
    """A voice ready to write: with its topics, most written about first, and its archive."""

    voice: Voice
    topics: tuple[str, ...]
    archive: Archive

    @classmethod
    def load(cls, folder: Path) -> "OpenVoice":
        """Read a voice folder. Raises VoiceError."""
        voice, posts = Voice.load(folder), load_posts(folder)
        counts = Counter(topic for post in posts for topic in post.topics)
        topics = tuple(topic for topic, _ in counts.most_common())
        return cls(voice, topics, Archive(post.text for post in posts))


async def compose(
    llm: LLM,
    opened: OpenVoice,
    topic: str | None,
    count: int,
    rules: Rules,
    taken: Sequence[str] = (),
) -> tuple[Candidate, ...]:
    """Draw up to `count` candidates that pass the screen. Raises UserError if none does."""
    kept: list[Candidate] = []
    dropped: list[Rejected] = []
    messages = opened.voice.messages(topic)
    left = max(DRAWN_AT_MOST, 4 * count)
    while left > 0 and (missing := count - len(kept)) > 0:
        texts = await llm.complete(opened.voice, messages, missing)
        left -= missing
        passed, failed = screen(texts, topic, rules, [*taken, *(c.text for c in kept)])
        kept += passed
        dropped += failed
    if not kept:
        raise UserError(_nothing_passed(dropped))
    return tuple(kept[:count])


class Drafting:
    """The use cases over one voice, one account and one database."""

    def __init__(
        self, opened: OpenVoice, llm: LLM, mastodon: Mastodon, store: Store, owners: Iterable[int]
    ) -> None:
        self._opened = opened
        self._llm = llm
        self._mastodon = mastodon
        self.store = store
        self._owners = frozenset(owners)
        self._in_hand: set[int] = set()  # drafts being posted by this very process

    async def write_draft(
        self, owner_id: int, topic: str | None, count: int, now: datetime, taken: Sequence[str] = ()
    ) -> Draft:
        """Write and store a draft. Raises UserError, Unavailable or Refused."""
        return await self.store.add(await self._new_draft(owner_id, topic, count, now, taken))

    async def suggest(
        self, owner_id: int, local_date: date, now: datetime, chance: random.Random
    ) -> Draft | None:
        """Write the day's one draft on a topic not used lately; None if the day had its draft."""
        recent = {t.lower() for t in await self.store.recent_topics(owner_id, LATELY)}
        fresh = [t for t in self._opened.topics if t.lower() not in recent] or self._opened.topics
        topic = chance.choice(fresh[:100]) if fresh else None
        draft = await self._new_draft(owner_id, topic, 4, now)
        if not await self.store.claim_day(owner_id, local_date):
            return None
        return await self.store.add(draft)

    async def revise(self, old: Draft, now: datetime) -> Draft:
        """Replace a pending draft by one with new candidates; the old one stays if that fails."""
        _expect_pending(old)
        new = await self._new_draft(
            old.owner_id, old.topic, len(old.candidates), now, [c.text for c in old.candidates]
        )
        if not await self.store.close_draft(old.id, State.REPLACED, now):
            _expect_pending(await self.get(old.id))
        return await self.store.add(new)

    async def reject(self, draft: Draft, now: datetime) -> None:
        """Reject a pending draft."""
        if not await self.store.close_draft(draft.id, State.REJECTED, now):
            _expect_pending(await self.get(draft.id))

    async def approve(self, draft: Draft, position: int, now: datetime) -> None:
        """Post one candidate, once. Raises Refused (not posted), Unavailable (`settle` goes on)."""
        if position >= len(draft.candidates):
            raise UserError(f"This draft has no candidate {position + 1}.")
        self._in_hand.add(draft.id)
        try:
            if not await self.store.claim(draft.id, position, now):
                _expect_pending(await self.get(draft.id))
            await self._publish(await self.get(draft.id), now, retried=False)
        finally:
            self._in_hand.discard(draft.id)

    async def settle(self, now: datetime) -> list[tuple[Draft, BotError | None]]:
        """Finish every claimed draft that nobody has in hand; what became of each, with its error.

        Those that are still unknown are left out: they are tried again at the next call.
        """
        settled: list[tuple[Draft, BotError | None]] = []
        for draft in await self.store.in_state(State.PUBLISHING):
            if draft.id in self._in_hand:
                continue
            self._in_hand.add(draft.id)
            try:
                settled.append((await self._publish(draft, now, retried=True), None))
            except Refused as e:
                settled.append((await self.get(draft.id), e))
            except Unavailable:
                continue
            finally:
                self._in_hand.discard(draft.id)
        return settled

    def matching_topics(self, typed: str, limit: int) -> list[str]:
        """Topics of the archive that hold what was typed; those that begin with it come first."""
        wanted = typed.strip().lower()
        found = [t for t in self._opened.topics if wanted in t.lower()]
        return sorted(found, key=lambda t: not t.lower().startswith(wanted))[:limit]

    async def get(self, draft_id: int) -> Draft:
        """One draft by its id. Raises UserError if it is gone."""
        draft = await self.store.get(draft_id)
        if draft is None:
            raise UserError("This draft is not stored any more. Ask for a new one with /draft.")
        return draft

    def expect_owner(self, user_id: int) -> None:
        """Raise UserError if this user may not draft in this voice."""
        if user_id not in self._owners:
            raise UserError(
                f"The voice {self._opened.voice.name} belongs to somebody else, and nobody drafts"
                " in another person's voice. Its operator can add you to OWNER_IDS."
            )

    async def own(self, draft_id: int, user_id: int) -> Draft:
        """One draft, if it is this user's. Raises UserError otherwise."""
        draft = await self.get(draft_id)
        if draft.owner_id != user_id:
            raise UserError("This draft is somebody else's. Ask for your own with /draft.")
        return draft

    async def _new_draft(
        self, owner_id: int, topic: str | None, count: int, now: datetime, taken: Sequence[str] = ()
    ) -> Draft:
        self.expect_owner(owner_id)
        max_chars = await self._mastodon.max_chars()
        rules = Rules(max_chars, self._mastodon.length, self._opened.archive)
        candidates = await compose(self._llm, self._opened, topic, count, rules, taken)
        return Draft(owner_id, self._opened.voice.name, topic, candidates, max_chars, now)

    async def _publish(self, draft: Draft, now: datetime, retried: bool) -> Draft:
        assert draft.attempted_at
        text = draft.approved_text
        try:
            status = await self._mastodon.publish(
                text, draft.idempotency_key, draft.attempted_at, retried
            )
        except Refused:
            await self.store.release(draft.id, now)
            raise
        except Unavailable as e:
            raise Unavailable(
                f"{e} I do not know yet whether your post is there. I look every minute and post it"
                " only if it is not; there is nothing you need to do."
            ) from e
        await self.store.mark_published(draft.id, status.id, status.url, text, now)
        return await self.get(draft.id)


def _expect_pending(draft: Draft) -> None:
    if draft.state is not State.PENDING:
        raise UserError(f"This draft was decided before: it is {draft.state.value}.")


def _nothing_passed(dropped: Sequence[Rejected]) -> str:
    reasons = Counter(r.reason for r in dropped).most_common()
    told = "; ".join(f"{n}× {reason}" for reason, n in reasons) or "the model wrote nothing usable"
    return f"None of the texts could be offered ({told}). Try again, or try another topic."
