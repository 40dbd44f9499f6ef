"""Decisions on drafts: each moves its draft to the next state, if no other has moved it before.

Also a draft's statuses, and counts of what became of a voice's drafts.
"""

import json
from dataclasses import replace
from datetime import datetime
from typing import Literal

import structlog

from bot import metrics
from bot.draft import FOLLOWS, Candidate, Draft, Network, RejectionReason, Sent, State, Status
from bot.store.database import Database, iso
from bot.store.drafts import DraftTable
from bot.voice.rates import DECIDED_AT, IS_SHOWN, Approvals

# What was decided: by the owner, by the server ("refused") or by time ("expire", "ask").
Decision = Literal[
    "approve", "reject", "again", "refused", "edit", "later", "take back", "expire", "undo",
    "ask", "there", "absent",
]  # fmt: skip
CLOSING: dict[State, Decision] = {
    State.REJECTED: "reject",
    State.REPLACED: "again",
    State.EXPIRED: "expire",
}

_UNSENT = {"sent_at": None, "sends": 0, "before": None}  # columns: nothing is on its way

log = structlog.stdlib.get_logger(__name__)


class DecisionTable:
    """Every decision with its time, also those that a refusal of the server took back."""

    def __init__(self, database: Database, drafts: DraftTable) -> None:
        self._db = database
        self._drafts = drafts

    async def claim(
        self,
        draft_id: int,
        position: int,
        fingerprint: str,
        accounts: tuple[str, ...],
        now: datetime,
        old: State = State.PENDING,
    ) -> bool:
        """Claim a draft for posting exactly this text; False if it is taken, or has changed.

        Two clicks, one status. Of two accounts the draft goes to the first, a twin to the second.
        """
        async with self._db.transaction():
            candidate = await self._unchanged(draft_id, position, fingerprint)
            if candidate is None:
                return False
            taken = {"chosen": position, "attempted_at": iso(now), **_UNSENT}
            if not await self._move(draft_id, old, State.PUBLISHING, **taken, **_for(accounts[0])):
                return False
            for account in accounts[1:]:
                await self._add_twin(draft_id, candidate, account, now)
            return await self._record(draft_id, "approve", now, position, candidate.text)

    async def _add_twin(
        self, draft_id: int, candidate: Candidate, account: str, now: datetime
    ) -> None:
        """Store the same for another account: outcome, undo and question are the twin's own."""
        same = "owner_id, voice, topic, instruction, notes, max_chars"
        same += ", visibility, language, content_warning"
        twin = {"state": State.PUBLISHING, "chosen": 0, "attempted_at": iso(now), **_for(account)}
        there = twin | {"twin_of": draft_id, "created_at": iso(now)}
        twin_id = await self._db.insert_copy("drafts", draft_id, same, **there)
        own = replace(candidate, parts=candidate.also or candidate.parts, also=())
        await self._drafts.put(twin_id, 0, own)

    async def schedule(
        self,
        draft_id: int,
        position: int,
        fingerprint: str,
        post_at: datetime | None,
        now: datetime,
        accounts: tuple[str, ...] = (),
        *,
        slot: datetime | None = None,
    ) -> bool:
        """Approve a text for later; False if the draft is taken or has changed.

        `accounts` are what it is approved for; none leaves that to the time it is due. `slot` is
        what it holds in its owner's queue; `post_at` is None while that is paused.
        """
        async with self._db.transaction():
            candidate = await self._unchanged(draft_id, position, fingerprint)
            if candidate is None:
                return False
            planned = {
                "chosen": position,
                "account": "\n".join(accounts) or None,
                "post_at": post_at and iso(post_at),
                "slot": slot and iso(slot),
            }
            return await self._move(
                draft_id, State.PENDING, State.SCHEDULED, **planned
            ) and await self._record(draft_id, "later", now, position, candidate.text)

    async def take_back(self, draft_id: int, now: datetime) -> bool:
        """Open a scheduled draft again; False if it is too late."""
        async with self._db.transaction():
            when = {"post_at": None, "slot": None}
            if not await self._move(draft_id, State.SCHEDULED, State.PENDING, **when):
                return False
            await self._forget_choice(draft_id)
            return await self._record(draft_id, "take back", now)

    async def edit(self, draft_id: int, position: int, candidate: Candidate, now: datetime) -> bool:
        """Replace a candidate's text; False if the draft is decided."""
        async with self._db.transaction():
            is_open = await self._db.row(
                "SELECT 1 FROM drafts WHERE id = ? AND state = ?", (draft_id, State.PENDING)
            )
            if not is_open:
                return False
            await self._drafts.put(draft_id, position, candidate)
            return await self._record(draft_id, "edit", now, position, candidate.text)

    async def cut(self, draft_id: int, position: int, candidate: Candidate) -> None:
        """Replace the parts of a thread that broke off; its owner sees them before they approve."""
        async with self._db.transaction():
            row = await self._db.row(
                "SELECT 1 FROM drafts WHERE id = ? AND state = ?", (draft_id, State.PENDING)
            )
            if row:
                await self._drafts.put(draft_id, position, candidate)

    async def forget_language(self, draft_id: int) -> None:
        """Leave the language of an open draft to its account."""
        await self._db.write(
            "UPDATE drafts SET language = NULL WHERE id = ? AND state = ?",
            (draft_id, State.PENDING),
        )

    async def close_draft(self, draft_id: int, state: State, now: datetime) -> bool:
        """Reject or expire a pending draft; False if it was decided before."""
        async with self._db.transaction():
            return await self._close(draft_id, state, now)

    async def give_reason(self, draft_id: int, reason: RejectionReason) -> bool:
        """Store why a draft was rejected, the last word counts; False if it is not rejected."""
        given = await self._db.write(
            "UPDATE drafts SET reason = ? WHERE id = ? AND state = ?",
            (reason, draft_id, State.REJECTED),
        )
        return given == 1

    async def replace(
        self, old_id: int, new: Draft, now: datetime, instruction: str | None
    ) -> Draft | None:
        """Store a draft and close the pending one it replaces: both or neither.

        None if the old one was decided before.
        """
        async with self._db.transaction():
            if not await self._close(old_id, State.REPLACED, now, instruction):
                return None
            return await self._drafts.insert(new, replaces=old_id)

    async def release(
        self, draft_id: int, now: datetime, old: State = State.PUBLISHING, why: Decision = "refused"
    ) -> bool:
        """Open a claimed draft again: the last try posted nothing.

        A thread keeps its text once a part of it is posted.
        """
        async with self._db.transaction():
            opened = {"attempted_at": None, "post_at": None, "slot": None, **_UNSENT}
            if not await self._move(draft_id, old, State.PENDING, **opened):
                return False
            await self._forget_choice(draft_id)
            return await self._record(draft_id, why, now)

    async def ask(self, draft_id: int, now: datetime) -> bool:
        """Leave it to the owner whether a claimed draft is posted."""
        async with self._db.transaction():
            return await self._move(
                draft_id, State.PUBLISHING, State.UNKNOWN
            ) and await self._record(draft_id, "ask", now)

    async def owner_found(self, draft_id: int, part: int, text: str, now: datetime) -> bool:
        """Record the owner's word that this part is posted."""
        async with self._db.transaction():
            if not await self._move(draft_id, State.UNKNOWN, State.PUBLISHING):
                return False
            await self._put_status(draft_id, part, Status("", ""), text, now)
            return await self._record(draft_id, "there", now)

    async def sending(self, draft_id: int, sent: Sent | None) -> None:
        """Record, before it is sent, that a text may be there from now on; None: it is not."""
        columns: dict[str, object] = dict(_UNSENT)
        if sent:
            columns = {"sent_at": iso(sent.at), "sends": sent.times, "before": None}
            if was := sent.before:
                at = iso(was.at) if was.at else None
                before = {"ids": sorted(was.ids), "count": was.count, "at": at}
                columns["before"] = json.dumps(before)
        changes = ", ".join(f"{column} = ?" for column in columns)
        await self._db.write(
            f"UPDATE drafts SET {changes} WHERE id = ? AND state = ?",
            (*columns.values(), draft_id, State.PUBLISHING),
        )

    async def posted(
        self, draft_id: int, part: int, status: Status, text: str, now: datetime
    ) -> None:
        """Record one status that a claimed draft became."""
        async with self._db.transaction():
            await self._put_status(draft_id, part, status, text, now)

    async def _put_status(
        self, draft_id: int, part: int, status: Status, text: str, now: datetime
    ) -> None:
        log.info("posted", draft=draft_id, part=part, status=status.id)
        row = await self._db.row("SELECT networks FROM drafts WHERE id = ?", (draft_id,))
        metrics.STATUSES.labels(row["networks"] if row else "").inc()
        await self._db.run(
            "INSERT OR IGNORE INTO statuses (draft_id, part, status_id, url, text, posted_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (draft_id, part, status.id, status.url, text, iso(now)),
        )
        await self._db.run(
            "UPDATE drafts SET sent_at = NULL, sends = 0, before = NULL WHERE id = ?", (draft_id,)
        )

    async def mark_published(self, draft_id: int) -> None:
        """Record that all of a claimed draft is posted."""
        async with self._db.transaction():
            await self._move(draft_id, State.PUBLISHING, State.PUBLISHED)

    async def mark_undone(self, draft_id: int, old: State, now: datetime) -> bool:
        """Record that all of a draft's statuses are deleted."""
        async with self._db.transaction():
            return await self._move(draft_id, old, State.UNDONE) and await self._record(
                draft_id, "undo", now
            )

    async def approvals(self, voice: str, since: datetime) -> Approvals:
        """Counts of a voice's drafts decided since then, without those that nobody saw."""
        rows = await self._db.rows(
            "SELECT state, original != text AS is_edited, count(*) AS n FROM drafts"
            " LEFT JOIN candidates ON draft_id = id AND position = chosen"
            f" WHERE voice = ? AND {IS_SHOWN} AND {DECIDED_AT} >= ? GROUP BY 1, 2",
            (voice, iso(since)),
        )
        return Approvals.counted((row["state"], bool(row["is_edited"]), row["n"]) for row in rows)

    async def _forget_choice(self, draft_id: int) -> None:
        """Open every text again, unless a part of the chosen one is posted."""
        await self._db.run(
            "UPDATE drafts SET chosen = NULL WHERE id = ?"
            " AND NOT EXISTS (SELECT 1 FROM statuses WHERE draft_id = drafts.id)",
            (draft_id,),
        )

    async def _unchanged(self, draft_id: int, position: int, fingerprint: str) -> Candidate | None:
        """A candidate; None if its fingerprint is another now."""
        candidate = await self._drafts.candidate(draft_id, position)
        is_same = candidate and candidate.fingerprint == fingerprint
        return candidate if is_same else None

    async def _close(
        self, draft_id: int, state: State, now: datetime, instruction: str | None = None
    ) -> bool:
        return await self._move(draft_id, State.PENDING, state) and await self._record(
            draft_id, CLOSING[state], now, text=instruction
        )

    async def _move(self, draft_id: int, old: State, new: State, **columns: object) -> bool:
        """Move a draft from `old` to `new`; False if it is no longer in `old`."""
        assert new in FOLLOWS[old]
        changes = "".join(f", {column} = ?" for column in columns)
        moved = await self._db.run(
            f"UPDATE drafts SET state = ?{changes} WHERE id = ? AND state = ?",
            (new, *columns.values(), draft_id, old),
        )
        return moved == 1

    async def _record(
        self,
        draft_id: int,
        action: Decision,
        now: datetime,
        position: int | None = None,
        text: str | None = None,
    ) -> bool:
        log.info("decided", draft=draft_id, action=action)
        metrics.DECISIONS.labels(action).inc()
        await self._db.insert(
            "decisions",
            draft_id=draft_id,
            action=action,
            position=position,
            text=text,
            decided_at=iso(now),
        )
        return True


def _for(account: str) -> dict[str, object]:
    """The columns of a draft that goes to this account and no other."""
    return {"account": account, "networks": Network.of(account)}
