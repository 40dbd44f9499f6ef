"""An entry of Facebook's `your_posts_1.json`.

The export does not say who could see a post, so all of them count as private.
"""

from collections.abc import Mapping
from hashlib import blake2b

from trainer.archives.entry import Entry, Tools, texts_of
from trainer.archives.post import Post, Unreadable
from trainer.archives.threads import repaired


def post_of_facebook(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of an entry; one on somebody else's page is a reply."""
    written = "\n\n".join(map(repaired, texts_of(entry.fields.get("data"), "post")))
    time = entry.first("timestamp")
    if not written and not isinstance(time, int):
        return entry.unreadable()
    title = entry.text("title")
    is_to_somebody = " on " in title and "timeline" in title
    digest = blake2b(f"{time} {written}".encode(), digest_size=8).hexdigest()
    return Post(
        id=f"facebook-{digest}",
        created_at=tools.dates.read(time, entry.place),
        text=written,
        kind="reply" if is_to_somebody else "original",
        visibility="private",
        tags=tuple(f"#{repaired(tag)}" for tag in texts_of(_tags(entry), "name")),
    )


def _tags(entry: Entry) -> object:
    tags = entry.fields.get("hashtags")
    return tags if isinstance(tags, list) and all(isinstance(t, Mapping) for t in tags) else []
