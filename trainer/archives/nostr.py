"""An event of Nostr, of which only short notes are posts: not reactions, messages or profiles."""

from trainer.archives.entry import Entry, Tools
from trainer.archives.post import Post, PostKind, Unreadable

NOTE, REPOSTS = 1, (6, 16)


def post_of_event(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of an event of the kinds 1, 6 and 16."""
    text, number = entry.fields.get("content"), entry.fields.get("kind")
    if number in REPOSTS:
        created_at = tools.dates.read(entry.first("createdat"), entry.place)
        return Post(entry.id("id"), created_at, "", "retweet")
    if number != NOTE or not isinstance(text, str):
        return entry.unreadable()
    listed = entry.fields.get("tags")
    tags = [t for t in listed if isinstance(t, list)] if isinstance(listed, list) else []
    named = [tuple(map(str, tag[:4])) for tag in tags]
    answered = [t for t in named if len(t) > 1 and t[0] == "e" and t[-1] != "mention"]
    quoted = next((t[1] for t in named if len(t) > 1 and t[0] == "q"), None)
    kind: PostKind = "reply" if answered else "quote" if quoted else "original"
    parents = [t[1] for t in answered if t[-1] == "reply"] or [t[1] for t in answered[-1:]]
    return Post(
        id=entry.id("id"),
        created_at=tools.dates.read(entry.first("createdat"), entry.place),
        text=text,
        kind=kind,
        tags=tuple(f"#{t[1]}" for t in named if len(t) > 1 and t[0] == "t"),
        reply_to=next(iter(parents), None),
        quote_of=quoted if kind == "quote" else None,
    )
