"""The use cases, from a topic to candidates: the program on one page.

write_draft compose, then store (daily.py does the same once a day)
ask, tell   the same, once the owner has said what a form or the daily suggestion asked
revise      new candidates in the place of a draft       edit    another text for a candidate
reject, give_reason, expire                              publishing.py goes on from an approval
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from bot.draft import Candidate, Draft, Network, RejectionReason, State, Style
from bot.errors import Refused, Unavailable, UserError
from bot.posting.accounts import Accounts
from bot.posting.echoes import Echoes
from bot.posting.once import Patience
from bot.posting.publishing import Publishing, decided, expect_whole, gone
from bot.posting.queue import Queue
from bot.posting.target import Target
from bot.store import Store
from bot.store.questions import Question
from bot.visible import jotted, one_line, visible, wish
from bot.writing.composing import OpenVoice, Request, compose
from bot.writing.line import Line, Notify
from bot.writing.llm import CONCURRENT, LLM
from bot.writing.screen import NO_WORDS, Rules, WordList
from bot.writing.thread import Measure, as_it_stands, candidate_of, strictest
from bot.writing.voices import Voices

EXPIRES_AFTER = timedelta(days=7)


class Drafting:
    """The use cases over every voice, account and draft of one bot."""

    def __init__(
        self,
        voices: Voices,
        llm: LLM,
        accounts: Accounts,
        store: Store,
        expires_after: timedelta = EXPIRES_AFTER,
        blocked: WordList = NO_WORDS,
        patience: Patience | None = None,
    ) -> None:
        """`blocked` are words that no candidate may hold; `patience` is the one with servers."""
        self.voices = voices
        self.accounts = accounts
        self.store = store
        self.publishing = Publishing(voices, accounts, store, patience or Patience())
        self.queue = Queue(voices, self.publishing, store)
        self.echoes = Echoes(accounts, store)
        self.line = Line(CONCURRENT)
        self._llm = llm
        self._expires_after = expires_after
        self._blocked = blocked

    async def write_draft(
        self, owner_id: int, request: Request, now: datetime, notify: Notify | None = None
    ) -> Draft:
        """Write and store a draft; `notify` gets the place in the line, if there is one.

        Raises UserError, Unavailable or Refused.
        """
        return await self.store.drafts.add(await self.compose_draft(owner_id, request, now, notify))

    async def compose_draft(
        self, owner_id: int, request: Request, now: datetime, notify: Notify | None = None
    ) -> Draft:
        """Write a draft without storing it, when it is its turn.

        Raises UserError, Unavailable or Refused.
        """
        request = _readable(request)
        opened = await self.voices.of(owner_id, request.voice)
        targets = await self._targets(owner_id, request)
        measures = [
            Measure(await to.max_chars(), partial(to.length, asked=request.style)) for to in targets
        ]
        strict = strictest(measures)
        rules = self.rules(opened, strict.max_chars, strict.length)
        candidates = await self.candidates(owner_id, opened, request, rules, notify)
        return Draft(
            owner_id=owner_id,
            voice=opened.voice.name,
            topic=request.topic,
            instruction=request.instruction,
            notes=request.notes,
            style=request.style,
            candidates=tuple(as_it_stands(candidate, measures) for candidate in candidates),
            max_chars=strict.max_chars,
            created_at=now,
            networks=tuple(to.network for to in targets),
        )

    async def _targets(self, owner_id: int, request: Request) -> list[Target]:
        """The accounts that a draft is for. Raises UserError if one cannot post in its style."""
        networks = request.networks or await self.accounts.chosen(owner_id)
        targets = [await self.accounts.of(owner_id, network) for network in networks]
        for to in targets:
            to.style(request.style)
        return targets

    async def ask(self, owner_id: int, request: Request, now: datetime) -> Question:
        """Store a request that lacks what to say, until `tell`. Raises UserError or Refused."""
        await self.voices.name_of(owner_id, request.voice)  # said before somebody types
        if request.networks or request.style != Style():
            await self._targets(owner_id, request)
        return await self.store.questions.add(
            Question(
                owner_id=owner_id,
                asked_at=now,
                count=request.count,
                topic=request.topic,
                instruction=request.instruction,
                voice=request.voice,
                style=request.style,
                networks=request.networks,
            )
        )

    async def tell(
        self, question: Question, topic: str, notes: str, now: datetime, notify: Notify | None
    ) -> Draft:
        """Write and store the draft of a question; until that works, keep what was typed.

        Raises UserError, Unavailable or Refused.
        """
        if not topic.strip() and not notes.strip():
            raise UserError("Give a topic, or tell me what it is to say: either is enough.")
        await self.store.questions.keep_answer(question.id, topic or None, notes or None)
        request = Request(
            topic=topic or None,
            count=question.count,
            instruction=question.instruction,
            notes=notes or None,
            voice=question.voice,
            style=question.style,
            networks=question.networks,
        )
        draft = await self.write_draft(question.owner_id, request, now, notify)
        await self.store.questions.end(question.id)
        return draft

    async def own_question(self, question_id: int, user_id: int) -> Question:
        """One question by its id, if it is this user's. Raises UserError otherwise."""
        question = await self.store.questions.get(question_id)
        if question is None:
            raise UserError("This is told already, or it was long ago. /draft asks you again.")
        if question.owner_id != user_id:
            raise UserError("This question is somebody else's. /draft asks you your own.")
        return question

    def rules(self, opened: OpenVoice, max_chars: int, length: Callable[[str], int]) -> Rules:
        """The rules that this bot checks a voice's texts against."""
        return Rules(max_chars, length, opened.known_posts, self._blocked)

    async def candidates(
        self,
        person: int,
        opened: OpenVoice,
        request: Request,
        rules: Rules,
        notify: Notify | None = None,
    ) -> tuple[Candidate, ...]:
        """Compose candidates when it is this person's turn."""
        async with self.line.turn(person, notify):
            return await compose(self._llm, opened, request, rules)

    async def revise(
        self,
        old: Draft,
        now: datetime,
        instruction: str | None = None,
        notify: Notify | None = None,
    ) -> Draft:
        """Write the same draft anew, in the place of the old one if that is still open.

        The old one stays if that fails. Raises UserError, Unavailable or Refused.
        """
        expect_whole(old)
        request = Request(
            topic=old.topic,
            count=len(old.candidates),
            instruction=instruction or old.instruction,
            notes=old.notes,
            taken=[c.text for c in old.candidates],
            voice=old.voice,
            style=old.style,
            networks=old.networks,
        )
        new = await self.compose_draft(old.owner_id, request, now, notify)
        if old.state is not State.PENDING:
            return await self.store.drafts.add(new)
        stored = await self.store.decisions.replace(old.id, new, now, instruction)
        if stored is None:
            raise decided(await self.get(old.id))
        return stored

    async def edit(self, draft: Draft, position: int, text: str, now: datetime) -> None:
        """Replace a candidate's text with the owner's. Raises UserError or Unavailable."""
        expect_whole(draft)
        if position >= len(draft.candidates):
            raise UserError("This draft has no candidate {number}.", number=position + 1)
        old, text = draft.candidates[position], visible(text)
        if not text:
            raise UserError("The text is empty. ❌ rejects the draft, if that is what you want.")
        if text == old.text:
            return
        await self.voices.check(draft.owner_id, draft.voice)
        measures = [await self._measure(draft, network) for network in draft.networks]
        strict = replace(strictest(measures), max_chars=draft.max_chars)
        new = candidate_of(text, strict.max_chars, strict.length, old.original or old.text)
        new = as_it_stands(new, measures)
        if not await self.store.decisions.edit(draft.id, position, new, now):
            raise decided(await self.get(draft.id))

    async def _measure(self, draft: Draft, network: Network) -> Measure:
        """How a draft's texts are measured on a network; the limit for one alone is as shown."""
        to, limit = await self.accounts.of(draft.owner_id, network), draft.max_chars
        with suppress(Unavailable, Refused):  # without the server, the largest of all counts
            limit = await to.max_chars()
        limit = limit if len(draft.networks) > 1 else draft.max_chars
        return Measure(limit, partial(to.length, asked=draft.style))

    async def reject(self, draft: Draft, now: datetime) -> None:
        """Reject a pending draft. Raises UserError."""
        expect_whole(draft)
        if not await self.store.decisions.close_draft(draft.id, State.REJECTED, now):
            raise decided(await self.get(draft.id))

    async def give_reason(self, draft: Draft, reason: RejectionReason) -> None:
        """Store why its owner rejected a draft. Raises UserError if they did not."""
        if not await self.store.decisions.give_reason(draft.id, reason):
            raise decided(await self.get(draft.id))

    async def expire(self, now: datetime) -> list[Draft]:
        """Close the drafts that nobody decided on in time."""
        old = await self.store.drafts.untouched_since(now - self._expires_after)
        return [
            replace(draft, state=State.EXPIRED)
            for draft in old
            if await self.store.decisions.close_draft(draft.id, State.EXPIRED, now)
        ]

    async def matching_topics(self, user_id: int, typed: str, limit: int) -> list[str]:
        """Topics of the archive that hold the typed text, least used lately first.

        Those that begin with the typed text come before the others.
        """
        wanted = typed.strip().lower()
        used = await self.store.drafts.topics_used(user_id)
        found = [t for t in (await self.voices.of(user_id)).topics if wanted in t.lower()]
        never = datetime.min.replace(tzinfo=UTC)
        found.sort(key=lambda t: used.get(t.casefold(), never))
        return sorted(found, key=lambda t: not t.lower().startswith(wanted))[:limit]

    async def get(self, draft_id: int) -> Draft:
        """One draft by its id. Raises UserError if it is gone."""
        draft = await self.store.drafts.get(draft_id)
        if draft is None:
            raise gone()
        return draft

    async def own(self, draft_id: int, user_id: int) -> Draft:
        """One draft, if it is this user's. Raises UserError otherwise."""
        structlog.contextvars.bind_contextvars(draft=draft_id)
        draft = await self.get(draft_id)
        if draft.owner_id != user_id:
            raise UserError("This draft is somebody else's. Ask for your own with /draft.")
        return draft


def _readable(request: Request) -> Request:
    """The request without invisible characters. Raises UserError if nothing is left of a part."""
    hidden_behind = one_line(request.style.content_warning or "") or None
    return replace(
        request,
        topic=_cleaned(request.topic, wish),
        instruction=_cleaned(request.instruction, wish),
        notes=_cleaned(request.notes, jotted),
        style=replace(request.style, content_warning=hidden_behind),
    )


def _cleaned(text: str | None, clean: Callable[[str], str]) -> str | None:
    """The text without invisible characters. Raises UserError if nothing is left."""
    cleaned = clean(text) if text else None
    if text and not cleaned:
        raise UserError("There is nothing to read in what you typed. Write it in words.")
    return cleaned
