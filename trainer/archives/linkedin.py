"""A row of LinkedIn's `Shares.csv` or `Comments.csv`."""

from trainer.archives.entry import Entry, Tools
from trainer.archives.post import Post, Unreadable

_SEEN_BY_ALL = frozenset(("membernetwork", "public", "anyone", "loggedin", "loggedinmembers"))


def post_of_share(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a share; one without words of its own is a repost."""
    text = entry.fields.get("sharecommentary")
    if not isinstance(text, str):
        return entry.unreadable()
    seen_by = str(entry.fields.get("visibility") or "public").lower().replace("_", "")
    return Post(
        id=entry.id("sharelink"),
        created_at=tools.dates.read(entry.first("date"), entry.place),
        text=text.replace('"\n"', "\n"),  # LinkedIn puts each line in quotes of its own
        kind="original" if text.strip() else "retweet",
        visibility="public" if seen_by in _SEEN_BY_ALL else "private",
    )


def post_of_comment(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a comment, which answers somebody."""
    text = entry.text("message")
    if not text:
        return entry.unreadable()
    date = tools.dates.read(entry.first("date"), entry.place)
    return Post(entry.place, date, text, "reply")
