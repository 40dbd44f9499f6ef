"""Reads people's decisions on a voice's drafts, and their guesses, from the bot's database.

Only reads, also while the bot writes. Knows only the layout of the newest of bot/store/migrations.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from bot.voice.echoes import HEARD, Heard
from bot.voice.rates import COUNTS, DECIDED_AT, IS_SHOWN, REASON_WORDS, Approvals, Guesses
from trainer.errors import DataError

USUAL = Path("state/bot.db")  # the default of the bot's setting DATABASE
LAYOUT = 14  # PRAGMA user_version: the number of the newest migration
UNOPENED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY}


@dataclass(frozen=True, slots=True)
class Text:
    """A candidate: its text now, and as the voice wrote it."""

    text: str
    written: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A draft, its texts, and what became of it."""

    id: int
    shown: Sequence[Text]
    owner_id: int  # who decided: nobody else can
    topic: str | None
    instruction: str | None
    state: str
    chosen: int | None
    replaces: int | None  # the draft that it took the place of
    decided_at: str | None  # None while it is open
    notes: str | None = None  # what the owner wanted said
    reason: str | None = None  # why it was rejected, if they said so: a key of REASON_WORDS


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """Open the bot's database as it is at this moment. Raises DataError."""
    if not file.is_file():
        raise DataError(
            f"There is no database {file}. Name the bot's with --db: its setting DATABASE says"
            " where it is."
        )
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            db.execute("BEGIN")  # all reads see the same state
            _check(db, file)
            yield db
    except sqlite3.Error as e:
        if getattr(e, "sqlite_errorcode", None) in UNOPENED:
            raise DataError(
                f"{file} cannot be opened ({e}). Whoever reads along writes to a file beside it:"
                " read a copy, which `python -m bot backup FILE` makes."
            ) from e
        raise DataError(
            f"{file} is not a database of this bot, or it is damaged ({e}). Name the bot's with"
            " --db: its setting DATABASE says where it is."
        ) from e


def _check(db: sqlite3.Connection, file: Path) -> None:
    layout = db.execute("PRAGMA user_version").fetchone()["user_version"]
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'drafts'").fetchone():
        raise DataError(
            f"{file} is not a database of this bot: it holds no drafts. Name the bot's with --db."
        )
    if layout > LAYOUT:
        raise DataError(
            f"{file} was written by a newer version of the bot (layout {layout}, known is"
            f" {LAYOUT}). Update the trainer to the same version."
        )
    if layout < LAYOUT:
        raise DataError(
            f"{file} was last used by an older version of the bot (layout {layout}, needed is"
            f" {LAYOUT}). Start this version's bot once on it, which brings it up to date."
        )


def voices(db: sqlite3.Connection) -> list[str]:
    """Names of the voices that have drafts."""
    return [row["voice"] for row in db.execute("SELECT DISTINCT voice FROM drafts ORDER BY voice")]


def owner(db: sqlite3.Connection, voice: str) -> int | None:
    """The Discord id of a voice's owner; None means that it is the operators'."""
    rows = db.execute("SELECT user_id FROM grants WHERE voice = ? AND role = 'owner'", (voice,))
    return next((row["user_id"] for row in rows), None)


def drafts(db: sqlite3.Connection, voice: str) -> list[Decided]:
    """Every draft of a voice that somebody saw, oldest first."""
    shown = defaultdict[int, list[Text]](list)
    for row in db.execute(
        "SELECT draft_id, text, coalesce(original, text) AS written FROM candidates"
        " ORDER BY draft_id, position"
    ):
        shown[row["draft_id"]].append(Text(row["text"], row["written"]))
    rows = db.execute(
        "SELECT id, owner_id, topic, notes, instruction, state, chosen, replaces, reason,"
        f" {DECIDED_AT} AS decided_at FROM drafts WHERE voice = ? AND {IS_SHOWN} ORDER BY id",
        (voice,),
    )
    return [Decided(shown=shown[row["id"]], **row) for row in rows]


def status_addresses(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Every status of a draft: an address of its server, and its id there."""
    for row in db.execute(
        "SELECT account, url, status_id FROM statuses JOIN drafts ON id = draft_id"
    ):
        yield row["url"], row["status_id"]
        if row["account"]:  # "https://server @name"; the url may lead elsewhere
            yield row["account"].partition(" ")[0], row["status_id"]


def texts(db: sqlite3.Connection) -> Iterator[tuple[str, datetime]]:
    """Every text of a draft, before and after an edit, and of its statuses, with its time."""
    rows = db.execute(
        "SELECT text, created_at FROM candidates JOIN drafts ON id = draft_id"
        " UNION ALL SELECT original, created_at FROM candidates JOIN drafts ON id = draft_id"
        " WHERE original NOT NULL"
        " UNION ALL SELECT text, created_at FROM statuses JOIN drafts ON id = draft_id"
    )
    for row in rows:
        yield row["text"], datetime.fromisoformat(row["created_at"])


def counted(decided: Iterable[Decided]) -> Approvals:
    """Counts of what became of the decided drafts."""
    return Approvals.counted((draft.state, _is_edited(draft), 1) for draft in decided)


def reasons(decided: Iterable[Decided]) -> dict[str, int]:
    """How many drafts were rejected for each reason, in words, the commonest first."""
    counts = Counter(draft.reason for draft in decided if draft.state == "rejected")
    return {str(REASON_WORDS[why]): n for why, n in counts.most_common() if why}


def by_week(decided: Sequence[Decided]) -> dict[date, Approvals]:
    """Counts of what became of the drafts, by the Monday of their decision's week (UTC).

    Includes weeks without a decision between the first and the last.
    """
    weeks = defaultdict[date, list[Decided]](list)
    for draft in decided:
        if draft.decided_at and draft.state != "pending":
            day = datetime.fromisoformat(draft.decided_at).date()
            weeks[day - timedelta(day.weekday())].append(draft)
    if not weeks:
        return {}
    first, last = min(weeks), max(weeks)
    mondays = (first + timedelta(weeks=i) for i in range((last - first).days // 7 + 1))
    return {monday: counted(weeks.get(monday, [])) for monday in mondays}


def guesses(db: sqlite3.Connection, voice: str, trained_at: str) -> dict[str, Guesses]:
    """Guesses about one training of a voice: the owner's, who may know the posts, and others'."""
    rows = db.execute(
        f"SELECT user_id IS ? AS is_owner, {COUNTS} FROM trials"
        " WHERE voice = ? AND trained_at = ? AND guess NOT NULL GROUP BY is_owner",
        (owner(db, voice), voice, trained_at),
    )
    return {
        "its owner" if row["is_owner"] else "others": Guesses(
            row["right"], row["wrong"], row["unsure"]
        )
        for row in rows
    }


def heard(db: sqlite3.Connection, voice: str) -> list[Heard]:
    """The posts of a voice with what came of them, oldest first: for people, not for training."""
    rows = db.execute(f"{HEARD} AND voice = ? ORDER BY posted_at", (voice,))
    return [Heard.of(dict(row)) for row in rows]


def _is_edited(draft: Decided) -> bool:
    if draft.chosen is None:
        return False
    chosen = draft.shown[draft.chosen]
    return chosen.text != chosen.written
