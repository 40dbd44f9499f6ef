"""`prepare --explain ID`: says in words what became of one post.

Reads posts.jsonl and dropped.jsonl of a prepared folder; never the archive.
"""

from itertools import chain
from pathlib import Path

import msgspec

from trainer.data.clean import Reason
from trainer.data.folder import DroppedRow, PostRow, read_dropped, read_post_rows
from trainer.errors import DataError

_ALIKE = 3  # ids suggested for one that is not there

WHY = {
    Reason.UNREADABLE: "its record in the archive is damaged, or has no text or id",
    Reason.RETWEET: "it repeats somebody else's words",
    Reason.REPLY: "it answers somebody else, and makes little sense without what it answers",
    Reason.QUOTE: "it comments on somebody else's post, which the archive does not have",
    Reason.CIRCLE: "X's Circle was for a few chosen people",
    Reason.PRIVATE: "only followers or friends could see it, or nobody",
    Reason.DIRECT: "only those it mentions could see it",
    Reason.WRITTEN: "the bot of --db drafted it, and its owner's edits do not make it theirs",
    Reason.LANGUAGE: "it is in none of the languages of --language",
    Reason.PERSONAL: "it holds an e-mail address, a phone number, a key or the like",
    Reason.ONLY_LINKS: "besides links and media nothing is left of it",
    Reason.NO_WORDS: "it has no letters or digits",
    Reason.BROKEN: "some of its characters were lost before it came into the archive",
    Reason.OLD_VERSION: "it was edited later",
    Reason.DUPLICATE: "the same post is there already",
    Reason.JOINED: "its text is part of its thread's first post",
    Reason.THREAD: "it belongs to a thread of which another part is on the other side of the split",
    Reason.NEAR_COPY: "it is nearly the same as a post that validates",
}
_WHAT_TO_DO = {
    Reason.RETWEET: "--with-retweets keeps retweets.",
    Reason.REPLY: "--with-replies keeps replies.",
    Reason.QUOTE: "--with-quotes keeps quotes.",
    Reason.PRIVATE: "--with-private keeps posts for followers only.",
    Reason.DIRECT: "--with-direct keeps direct messages.",
    Reason.WRITTEN: "Give the archive of somebody who writes posts without the bot, too.",
    Reason.LANGUAGE: "Name the language that most posts are in with --language, or leave it out.",
    Reason.PERSONAL: "--personal mask keeps the posts without such data.",
}


def advice(reason: Reason) -> str:
    """Advice in case this reason dropped too much."""
    return _WHAT_TO_DO.get(reason, "Give another archive.")


def explain(folder: Path, key: str) -> list[str]:
    """Say what became of the post with this id, in a line or more for each time it was read.

    Raises DataError if the folder has no such post.
    """
    written = msgspec.json.encode(key)[1:-1]  # only lines that hold it anywhere are decoded
    kept: list[PostRow] = []
    dropped: list[DroppedRow] = []
    alike: list[str] = []
    try:
        rows = (read_post_rows(folder, written), read_dropped(folder, written))
        for row in chain[PostRow | DroppedRow](*rows):
            if row.id != key:
                alike += [row.id] if key in row.id and len(alike) < _ALIKE else []
            elif isinstance(row, PostRow):
                kept.append(row)
            else:
                dropped.append(row)
    except DataError as e:
        raise DataError(f"A file is missing or damaged: {e}") from e
    if not kept and not dropped:
        hint = f" Similar ids: {', '.join(alike)}." if alike else ""
        raise DataError(
            f"{folder} knows no post with the id {key}.{hint}"
            " The ids stand in its posts.jsonl and dropped.jsonl."
        )
    left_out = {row.id: row for row in dropped} if kept else {}
    lines = [line for row in kept for line in _kept(row, left_out.get(row.id))]
    if kept and kept[0].split == "left_out":
        dropped = dropped[:-1]  # said with the post
    return lines + [_dropped(row) for row in dropped]


def _kept(row: PostRow, left_out: DroppedRow | None) -> list[str]:
    date = f" of {row.created_at}" if row.created_at else ""
    if left_out:
        said = f"is kept, but not learnt from ({_reason(left_out)})"
    elif row.split == "train":
        said = "is learnt from"
    else:
        said = "is not learnt from, but kept for judging the voice (validation)"
    topics = ", ".join(f"{topic.text} ({topic.source})" for topic in row.topics)
    return [
        f"Post {row.id} ({row.kind}{date}) {said}.",
        f"Topics: {topics or 'none'}",
        row.text,
    ]


def _dropped(row: DroppedRow) -> str:
    return f"Post {row.id} was dropped: {_reason(row)}."


def _reason(row: DroppedRow) -> str:
    reason = Reason(row.reason)
    because = f", see post {row.because}" if row.because else ""
    return f"{reason}: {WHY[reason]}{because}"
