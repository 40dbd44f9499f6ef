"""The sandbox's Bluesky posts in the shape of Mastodon's statuses, as the page shows both."""

import html

from sandbox.objects import Json
from sandbox.pds import LoopbackPds


def as_statuses(server: LoopbackPds) -> list[Json]:
    """Every post of every account, newest first."""
    posts = [(handle, post) for handle in server.handles.values() for post in server.posts(handle)]
    return [_status(handle, post) for handle, post in reversed(posts)]


def _status(handle: str, post: Json) -> Json:
    value = post["value"]
    parent = value.get("reply", {}).get("parent", {}).get("uri", "")
    labels = [label["val"] for label in value.get("labels", {}).get("values", [])]
    return {
        "id": _key(post["uri"]),
        "in_reply_to_id": _key(parent) or None,
        "created_at": value["createdAt"],
        "content": _linked(value["text"], value.get("facets", [])),
        "language": next(iter(value.get("langs", [])), None),
        "spoiler_text": ", ".join(labels),
        "visibility": "bluesky",
        "account": {"username": handle, "acct": handle, "display_name": ""},
    }


def _key(uri: str) -> str:
    return uri.rpartition("/")[2]


def _linked(text: str, facets: list[Json]) -> str:
    """The text as HTML, with links where the facets' byte offsets say."""
    raw, done, shown = text.encode(), 0, ""
    for facet in sorted(facets, key=lambda each: each["index"]["byteStart"]):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        feature = facet["features"][0]
        words = html.escape(raw[start:end].decode("utf-8", "replace"))
        profile = f"https://bsky.app/profile/{feature.get('did', '')}"
        leads = feature.get("uri") or (profile if "did" in feature else "https://bsky.app/search")
        shown += html.escape(raw[done:start].decode("utf-8", "replace"))
        shown += f'<a href="{html.escape(leads)}">{words}</a>'
        done = end
    shown += html.escape(raw[done:].decode("utf-8", "replace"))
    return f"<p>{shown.replace(chr(10), '<br>')}</p>"
