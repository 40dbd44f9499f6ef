"""Questions: what a person is asked to tell, by a form or the daily suggestion, until they do."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.draft import Network, Style
from bot.store.database import Database, iso

KEPT = timedelta(days=60)  # who has not answered by then will not


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a draft that lacks what to say. `id` is 0 until it is stored."""

    owner_id: int
    asked_at: datetime
    count: int  # of candidates
    topic: str | None = None
    notes: str | None = None  # as typed, if writing the draft failed
    instruction: str | None = None
    voice: str | None = None  # None: the one its owner uses
    style: Style = field(default_factory=Style)
    networks: tuple[Network, ...] = ()  # where it is to go; none: where its owner's drafts go
    id: int = 0


class QuestionTable:
    """A row for each question from when it is asked until its draft is there."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, question: Question) -> Question:
        """Store a question, and forget those that nobody answered; returns it with its id."""
        async with self._db.transaction():
            await self._db.run(
                "DELETE FROM questions WHERE owner_id = ? AND asked_at < ?",
                (question.owner_id, iso(question.asked_at - KEPT)),
            )
            number = await self._db.insert(
                "questions",
                owner_id=question.owner_id,
                asked_at=iso(question.asked_at),
                topic=question.topic,
                notes=question.notes,
                instruction=question.instruction,
                count=question.count,
                voice=question.voice,
                visibility=question.style.visibility,
                language=question.style.language,
                content_warning=question.style.content_warning,
                networks=" ".join(question.networks) or None,
            )
        return replace(question, id=number)

    async def get(self, question_id: int) -> Question | None:
        """One question by its id."""
        row = await self._db.row("SELECT * FROM questions WHERE id = ?", (question_id,))
        if row is None:
            return None
        return Question(
            owner_id=row["owner_id"],
            asked_at=datetime.fromisoformat(row["asked_at"]),
            count=row["count"],
            topic=row["topic"],
            notes=row["notes"],
            instruction=row["instruction"],
            voice=row["voice"],
            style=Style(row["visibility"], row["language"], row["content_warning"]),
            networks=tuple(map(Network, (row["networks"] or "").split())),
            id=row["id"],
        )

    async def keep_answer(self, question_id: int, topic: str | None, notes: str | None) -> None:
        """Store what was typed: a draft that cannot be written now loses nothing."""
        await self._db.write(
            "UPDATE questions SET topic = ?, notes = ? WHERE id = ?", (topic, notes, question_id)
        )

    async def end(self, question_id: int) -> None:
        """Delete a question whose draft is there."""
        await self._db.write("DELETE FROM questions WHERE id = ?", (question_id,))
