"""Which service wrote a list of records, by the names of their fields: the one table of it.

Each shape is read by a module of its own, or refused by name with what to do.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from trainer.archives.blogs import post_of_feed, post_of_wordpress
from trainer.archives.bluesky import post_of_view
from trainer.archives.entry import Entry, Tools, field_name
from trainer.archives.facebook import post_of_facebook
from trainer.archives.linkedin import post_of_comment, post_of_share
from trainer.archives.mastodon import post_of_item
from trainer.archives.misskey import post_of_note
from trainer.archives.nostr import post_of_event
from trainer.archives.plain import TEXT, post_of_plain
from trainer.archives.post import Post, Unreadable
from trainer.archives.reddit import post_of_reddit
from trainer.archives.statuses import post_of_status
from trainer.archives.telegram import post_of_message
from trainer.archives.tumblr import post_of_tumblr
from trainer.archives.x_api import post_of_scraped, post_of_twint, post_of_v1, post_of_v2

Build = Callable[[Entry, Tools], Post | Unreadable]
INSTEAD = (
    "Give a JSON or CSV file of your own public posts, with the columns text, id and created_at."
)
MESSAGES = f"They are for those who got them, so they are not learnt from. {INSTEAD}"


class Shape(NamedTuple):
    """How a service's records look."""

    service: str  # in the words of a person
    kind: str  # in dataset.json; the same kind and id is the same post
    fields: tuple[frozenset[str], ...]  # a record has all the fields of one of these
    build: Build | None  # None: it is refused
    author: tuple[tuple[str, ...], ...] = ()  # where its author is told
    advice: str = INSTEAD
    note: str = ""


def _with(*alternatives: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(fields.split()) for fields in alternatives)


PLAIN_AUTHOR = (
    *(("author",), ("username",), ("screenname",), ("authorid",), ("userid",), ("handle",)),
    *(("user", "username"), ("author", "username"), ("account", "acct"), ("user", "id")),
)
SHAPES = (
    Shape(
        "private messages",
        "messages",
        _with(
            *("from to", "sender recipient", "sendername content", "sendername text"),
            *("sender content", "sender text", "senderid text", "senderid recipientid"),
            *("contents attachments", "ts text user", "messageid channelurl"),
            *("fromid body", "fromusername body"),
            *("conversationid content", "conversationid from", "threadid from body"),
            *("channelid content author", "recipients", "participants messages"),
        ),
        None,
        advice=MESSAGES,
    ),
    Shape("Nostr", "nostr", _with("pubkey kind content"), post_of_event, (("pubkey",),)),
    Shape(
        "Mastodon's interface",
        "mastodon",
        _with(*(f"content visibility {more}" for more in ("reblog", "account", "spoilertext"))),
        post_of_status,
        (("account", "id"), ("account", "acct")),
    ),
    Shape(
        "Misskey",
        "misskey",
        _with(
            *("text createdat renoteid", "text createdat replyid", "text visibility localonly"),
            *("text createdat visibleuserids", "text visibility fileids"),
        ),
        post_of_note,
        (("userid",), ("user", "id")),
    ),
    Shape("ActivityPub", "mastodon", _with("type attributedto", "type actor object"), post_of_item),
    Shape(
        "Bluesky",
        "bluesky",
        _with("post", "uri cid record", "uri cid author"),
        post_of_view,
        (("post", "author", "did"), ("author", "did")),
    ),
    Shape(
        "X's older interface",
        "x",
        _with(
            "idstr fulltext entities",
            "idstr text entities",
            "idstr text user",
            "idstr fulltext user",
        ),
        post_of_v1,
        (("user", "id_str"), ("user", "screen_name")),
    ),
    Shape(
        "a scraper of X",
        "x",
        _with(
            *("id content inreplytotweetid", "id rawcontent", "id content renderedcontent"),
            *("id content retweetedtweet", "id content quotedtweet"),
        ),
        post_of_scraped,
        (("user", "id"), ("user", "username")),
    ),
    Shape(
        "twint",
        "x",
        _with("tweet conversationid", "tweet username"),
        post_of_twint,
        (("username",),),
    ),
    Shape("X's archive", "x", _with("tweet"), post_of_v1),
    Shape(
        "X's interface",
        "x",
        _with(
            *("id text edithistorytweetids", "id text referencedtweets", "id text authorid"),
            *("id text replysettings", "id text publicmetrics", "id text conversationid"),
            *("id text inreplytouserid", "id text referencedtweetsrepliedtoid"),
        ),
        post_of_v2,
        (("authorid",), ("author", "id")),
    ),
    Shape(
        "Tumblr",
        "tumblr",
        _with("blogname reblogkey", "blogname posturl", "blogname trail", "blogname state"),
        post_of_tumblr,
        (("blogname",),),
    ),
    Shape(
        "Reddit's drafts",
        "drafts",
        _with("subreddit ispubliclink", "subreddit scheduledpostid"),
        None,
        advice="Nobody has seen them. Posts stand in posts.csv.",
    ),
    Shape(
        "Reddit",
        "reddit",
        _with("subreddit body", "subreddit selftext", "subreddit title"),
        post_of_reddit,
        (("author",),),
    ),
    Shape("Telegram", "telegram", _with("text fromid", "text textentities"), post_of_message),
    Shape(
        "WordPress",
        "wordpress",
        _with("content excerpt slug", "content slug status"),
        post_of_wordpress,
    ),
    Shape("a JSON Feed", "feed", _with("contenthtml", "contenttext"), post_of_feed),
    Shape("LinkedIn", "linkedin", _with("sharecommentary"), post_of_share),
    Shape("LinkedIn's comments", "linkedin", _with("date link message"), post_of_comment),
    Shape(
        "Facebook",
        "facebook",
        _with("timestamp data"),
        post_of_facebook,
        note="Facebook does not say who could see a post, so all of them count as private:"
        " --with-private learns from them.",
    ),
    Shape(
        "Instagram's photos",
        "instagram",
        _with("media creationtimestamp", "media title"),
        None,
        advice="Their captions are not learnt from. Threads' posts stand in"
        " threads_and_replies.json.",
    ),
    Shape(
        "YouTube's comments",
        "youtube",
        _with("commenttext videoid"),
        None,
        advice=f"They answer somebody's video. {INSTEAD}",
    ),
    Shape("a plain list", "", _with(*TEXT), post_of_plain, PLAIN_AUTHOR),
)
PLAIN = SHAPES[-1]


def shape_of(records: Iterable[Mapping[str, object]]) -> Shape | None:
    """The shape of a list, by the fields of its first records: the first that any of them has."""
    fields = {frozenset(map(field_name, record)) for record in records}
    return next((s for s in SHAPES if any(n <= f for n in s.fields for f in fields)), None)
