"""One sentence on what became of a draft so far: the first line of its message."""

from discord.utils import format_dt

from bot.draft import Draft, State
from bot.sentences import Words, say
from bot.visible import inline


def story(draft: Draft) -> Words:
    """The sentence about the draft's state."""
    match draft.state:
        case State.PENDING:
            return _pending(draft)
        case State.SCHEDULED:
            assert draft.post_at
            return say(
                "⏰ Draft {id} will be posted {time} ({from_now}).",
                id=draft.id,
                time=format_dt(draft.post_at, "f"),
                from_now=format_dt(draft.post_at, "R"),
            )
        case State.PUBLISHING:
            return say("⏳ Draft {id} is being posted.", id=draft.id)
        case State.UNKNOWN:
            return say(
                "❓ I could not find out whether this text of draft {id} is on Mastodon"
                " ({account}). Please look there and tell me.",
                id=draft.id,
                account=draft.account or "",
            )
        case State.PUBLISHED:
            return _posted(draft)
        case State.UNDONE:
            return say("↩️ Draft {id} was posted, and is deleted again.", id=draft.id)
        case State.REJECTED:
            return say("❌ Draft {id} is rejected. Nothing was posted.", id=draft.id)
        case State.REPLACED:
            return say(
                "🔁 Draft {id} was replaced by new candidates. Nothing was posted.", id=draft.id
            )
        case State.EXPIRED:
            return say(
                "⌛ Draft {id} has expired, as nothing was decided. Nothing was posted."
                " `/draft-again` writes it anew.",
                id=draft.id,
            )


def _pending(draft: Draft) -> Words:
    if draft.is_broken_thread:
        return say(
            "✍️ Draft {id}: {posted} of {parts} parts of the thread are posted: {url}",
            id=draft.id,
            posted=len(draft.statuses),
            parts=len(draft.approved.statuses),
            url=draft.status_url or "",
        )
    about = say(" about **{topic}**", topic=inline(draft.topic)) if draft.topic else ""
    return say("✍️ Draft {id}{about}", id=draft.id, about=about)


def _posted(draft: Draft) -> Words:
    parts, url = len(draft.approved.statuses), draft.status_url
    if not url:
        return say("✅ Draft {id} is posted, as you say.", id=draft.id)
    if parts > 1:
        return say(
            "✅ Draft {id} is posted as a thread of {parts}: {url}",
            id=draft.id,
            parts=parts,
            url=url,
        )
    return say("✅ Draft {id} is posted: {url}", id=draft.id, url=url)
