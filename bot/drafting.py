"""The use cases, from a topic to a status: the story of the program, one page.

write_draft compose, then store (daily.py does the same once a day)
approve     claim, post once, record   settle   finish what a crash or a fault left half-way
reject, revise
"""

from collections.abc import Sequence
from datetime import datetime

from bot.accounts import Accounts
from bot.composing import compose
from bot.draft import Draft, State
from bot.errors import BotError, Refused, Unavailable, UserError
from bot.llm import LLM
from bot.screen import Rules
from bot.store import Store
from bot.voices import Voices
from bot.words import say


class Drafting:
    """The use cases over every voice, account and draft of one bot."""

    def __init__(self, voices: Voices, llm: LLM, accounts: Accounts, store: Store) -> None:
        self.voices = voices
        self.accounts = accounts
        self.store = store
        self._llm = llm
        self._in_hand: set[int] = set()  # drafts being posted by this very process

    async def write_draft(
        self, owner_id: int, topic: str | None, count: int, now: datetime, taken: Sequence[str] = ()
    ) -> Draft:
        """Write and store a draft. Raises UserError, Unavailable or Refused."""
        return await self.store.drafts.add(
            await self.compose_draft(owner_id, topic, count, now, taken)
        )

    async def compose_draft(
        self,
        owner_id: int,
        topic: str | None,
        count: int,
        now: datetime,
        taken: Sequence[str] = (),
        voice: str | None = None,
    ) -> Draft:
        """Write a draft without storing it. Raises UserError, Unavailable or Refused."""
        opened = await self.voices.of(owner_id, voice)
        account = await self.accounts.of(owner_id)
        max_chars = await account.max_chars()
        rules = Rules(max_chars, account.length, opened.archive)
        candidates = await compose(self._llm, opened, topic, count, rules, taken)
        return Draft(owner_id, opened.voice.name, topic, candidates, max_chars, now)

    async def revise(self, old: Draft, now: datetime) -> Draft:
        """Replace a pending draft by one with new candidates; the old one stays if that fails."""
        _expect_pending(old)
        new = await self.compose_draft(
            old.owner_id, old.topic, len(old.candidates), now, [c.text for c in old.candidates]
        )
        if not await self.store.drafts.close_draft(old.id, State.REPLACED, now):
            _expect_pending(await self.get(old.id))
        return await self.store.drafts.add(new)

    async def reject(self, draft: Draft, now: datetime) -> None:
        """Reject a pending draft."""
        if not await self.store.drafts.close_draft(draft.id, State.REJECTED, now):
            _expect_pending(await self.get(draft.id))

    async def approve(self, draft: Draft, position: int, now: datetime) -> None:
        """Post one candidate, once. Raises Refused (not posted), Unavailable (`settle` goes on)."""
        if position >= len(draft.candidates):
            raise UserError("This draft has no candidate {number}.", number=position + 1)
        self._in_hand.add(draft.id)
        try:
            account = await self.accounts.of(draft.owner_id)
            if not await self.store.drafts.claim(draft.id, position, account.name, now):
                _expect_pending(await self.get(draft.id))
            await self._publish(await self.get(draft.id), now, retried=False)
        finally:
            self._in_hand.discard(draft.id)

    async def settle(self, now: datetime) -> list[tuple[Draft, BotError | None]]:
        """Finish every claimed draft that nobody has in hand; what became of each, with its error.

        Those that are still unknown are left out: they are tried again at the next call.
        """
        settled: list[tuple[Draft, BotError | None]] = []
        for draft in await self.store.drafts.in_state(State.PUBLISHING):
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

    async def matching_topics(self, user_id: int, typed: str, limit: int) -> list[str]:
        """Topics of the archive that hold what was typed; those that begin with it come first."""
        wanted = typed.strip().lower()
        found = [t for t in (await self.voices.of(user_id)).topics if wanted in t.lower()]
        return sorted(found, key=lambda t: not t.lower().startswith(wanted))[:limit]

    async def get(self, draft_id: int) -> Draft:
        """One draft by its id. Raises UserError if it is gone."""
        draft = await self.store.drafts.get(draft_id)
        if draft is None:
            raise UserError("This draft is not stored any more. Ask for a new one with /draft.")
        return draft

    async def own(self, draft_id: int, user_id: int) -> Draft:
        """One draft, if it is this user's. Raises UserError otherwise."""
        draft = await self.get(draft_id)
        if draft.owner_id != user_id:
            raise UserError("This draft is somebody else's. Ask for your own with /draft.")
        return draft

    async def _publish(self, draft: Draft, now: datetime, retried: bool) -> Draft:
        assert draft.attempted_at
        account = await self.accounts.of(draft.owner_id)
        text = draft.approved.text
        try:
            status = await account.publish(
                text, draft.idempotency_key(0), draft.attempted_at, retried
            )
        except Refused:
            await self.store.drafts.release(draft.id, now)
            raise
        except Unavailable as e:
            raise Unavailable(
                "{reason} I do not know yet whether your post is there. I look every minute and"
                " post it only if it is not; there is nothing you need to do.",
                reason=e.words,
            ) from e
        await self.store.drafts.posted(draft.id, 0, status, text, now)
        await self.store.drafts.mark_published(draft.id)
        return await self.get(draft.id)


def _expect_pending(draft: Draft) -> None:
    if draft.state is not State.PENDING:
        raise UserError(
            "This draft was decided before: it is {state}.", state=say(draft.state.value)
        )
