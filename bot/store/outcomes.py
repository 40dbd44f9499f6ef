"""What became of the drafts of a voice, counted."""

from datetime import datetime

from bot.store.database import Database, iso
from bot.voice.rates import Approvals


class OutcomeTable:
    """Reads the drafts and their decisions; owns no table."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def approvals(self, voice: str, since: datetime) -> Approvals:
        """The decisions on a voice's drafts since then; what nobody was shown is left out."""
        rows = await self._db.rows(
            "SELECT state, original != text, count(*) FROM drafts"
            " LEFT JOIN candidates ON draft_id = id AND position = chosen"
            " WHERE voice = ? AND state != 'pending' AND (state != 'expired' OR shown NOT NULL)"
            " AND (SELECT max(decided_at) FROM decisions WHERE draft_id = drafts.id AND action IN"
            " ('approve', 'later', 'reject', 'again', 'expire')) >= ? GROUP BY 1, 2",
            (voice, iso(since)),
        )
        return Approvals.counted((row[0], bool(row[1]), row[2]) for row in rows)
