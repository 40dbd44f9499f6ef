"""What came of each post: its boosts, favourites and replies, a day and a week after it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.draft import Echo, State, Status
from bot.store.database import Database, iso
from bot.voice.echoes import HEARD, Heard

YEAR = timedelta(days=365)  # an account's readers of before are others


@dataclass(frozen=True, slots=True)
class DueEcho:
    """A count that is due: of the first status of a draft, so many days after it was posted."""

    draft_id: int
    days: int
    owner_id: int
    account: str
    status: Status
    posted_at: datetime
    parts: int  # of its thread
    tries: int


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a person's posts of the last year."""

    posts: list[Heard]  # those that were counted, oldest first
    next_at: datetime | None  # when the first of the others is counted
    lost: int  # posts that never will be


class EchoTable:
    """A row for each count that was asked for."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def due(self, days: int, now: datetime, until: timedelta) -> list[DueEcho]:
        """The counts due so many days after posting, for as long as `until`; oldest first."""
        rows = await self._db.rows(
            "SELECT drafts.id, owner_id, account, status_id, url, posted_at,"
            " coalesce(tries, 0) AS tries,"
            " (SELECT count(*) FROM statuses WHERE draft_id = drafts.id) AS parts"
            " FROM statuses JOIN drafts ON drafts.id = statuses.draft_id"
            " LEFT JOIN echoes ON echoes.draft_id = drafts.id AND days = ?1"
            " WHERE part = 0 AND posted_at > ?2 AND posted_at <= ?3 AND status_id != ''"
            " AND drafts.state = ?4 AND account NOT NULL"
            " AND (echoes.state IS NULL OR echoes.state = 'waiting' AND again_at <= ?5)"
            " AND NOT EXISTS (SELECT 1 FROM echoes WHERE draft_id = drafts.id AND state = 'gone')"
            " ORDER BY posted_at",
            (
                days,
                iso(now - timedelta(days) - until),
                iso(now - timedelta(days)),
                State.PUBLISHED,
                iso(now),
            ),
        )
        return [
            DueEcho(
                row["id"],
                days,
                row["owner_id"],
                row["account"],
                Status(row["status_id"], row["url"]),
                datetime.fromisoformat(row["posted_at"]),
                row["parts"],
                row["tries"],
            )
            for row in rows
        ]

    async def of(self, owner_id: int, now: datetime, until: timedelta) -> Results:
        """What came of a person's posts; `until`: when a count that is due is given up."""
        values = owner_id, iso(now - YEAR)
        counted = await self._db.rows(
            f"{HEARD} AND owner_id = ? AND posted_at >= ? ORDER BY posted_at", values
        )
        posts = [Heard.of(dict(row)) for row in counted]
        known = {post.draft_id for post in posts}
        others = await self._db.rows(
            "SELECT drafts.id, posted_at, status_id, coalesce(echoes.state, 'waiting') AS state,"
            " echoes.tries, again_at FROM statuses JOIN drafts ON drafts.id = statuses.draft_id"
            " LEFT JOIN echoes ON echoes.draft_id = drafts.id AND days = 1"
            " WHERE part = 0 AND owner_id = ? AND posted_at >= ? AND drafts.state = 'published'"
            " AND coalesce(echoes.state, '') != 'gone'",
            values,
        )
        due = {
            row["id"]: datetime.fromisoformat(row["posted_at"]) + timedelta(days=1)
            for row in others
            if row["id"] not in known
            and row["state"] == "waiting"
            and row["status_id"]
            and not (row["tries"] and row["again_at"] is None)
        }
        coming = [at for at in due.values() if at + until > now]
        lost = len({row["id"] for row in others} - known) - len(coming)
        return Results(posts, min(coming, default=None), lost)

    async def keep(self, due: DueEcho, echo: Echo | None, now: datetime) -> None:
        """Store what was read; None: the status is not there any more."""
        echo, state = (echo, "read") if echo else (Echo(), "gone")
        await self._put(due, state, now, None, (echo.boosts, echo.favourites, echo.replies))

    async def wait(self, due: DueEcho, now: datetime, again_at: datetime | None) -> None:
        """Store that it could not be read, and when to try again; None: never."""
        await self._put(due, "waiting", now, again_at, (None, None, None))

    async def _put(
        self,
        due: DueEcho,
        state: str,
        now: datetime,
        again_at: datetime | None,
        counts: tuple[int | None, ...],
    ) -> None:
        """Store a row, unless its draft was deleted meanwhile."""
        await self._db.write(
            "INSERT OR REPLACE INTO echoes (draft_id, days, state, tries, asked_at, again_at,"
            " boosts, favourites, replies) SELECT id, ?, ?, ?, ?, ?, ?, ?, ? FROM drafts"
            " WHERE id = ?",
            (
                *(due.days, state, due.tries + 1, iso(now), iso(again_at) if again_at else None),
                *counts,
                due.draft_id,
            ),
        )
