"""What became of a draft so far: the first line of its message; and what became of its notes."""

from collections.abc import Sequence

from discord.utils import format_dt

from bot.draft import Candidate, Draft, State, account_words
from bot.sentences import Words, say, say_n
from bot.visible import inline, isolated
from bot.voice.facts import check
from bot.voice.rates import REASON_WORDS

_ROOM = 160  # characters of facts in one list


def story(draft: Draft) -> Words:
    """The sentence about the draft's state."""
    match draft.state:
        case State.PENDING:
            return _pending(draft)
        case State.SCHEDULED:
            return _scheduled(draft)
        case State.PUBLISHING if draft.sent:
            return say(
                "⏳ Draft {id} was sent to {account}, which has not said that it is there. I keep"
                " looking.",
                id=draft.id,
                account=account_words(draft.account or ""),
            )
        case State.PUBLISHING:
            return say("⏳ Draft {id} is being posted.", id=draft.id)
        case State.UNKNOWN:
            return say(
                "❓ I could not find out whether this text of draft {id} is there ({account})."
                " Please look and tell me.",
                id=draft.id,
                account=account_words(draft.account or ""),
            )
        case State.PUBLISHED:
            return _posted(draft)
        case State.UNDONE:
            return say("↩️ Draft {id} was posted, and is deleted again.", id=draft.id)
        case State.REJECTED:
            return _rejected(draft)
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
    about: Words | str = ""
    if draft.topic:
        about = say(" about **{topic}**", topic=inline(draft.topic))
    elif draft.notes:
        about = say(" from your notes")
    return say("✍️ Draft {id}{about}", id=draft.id, about=about)


def _scheduled(draft: Draft) -> Words:
    if draft.post_at is None:
        return say(
            "⏸️ Draft {id} waits in your queue, which is paused. `/queue resume` goes on.",
            id=draft.id,
        )
    time, from_now = format_dt(draft.post_at, "f"), format_dt(draft.post_at, "R")
    if draft.slot:
        return say(
            "➕ Draft {id} is in your queue: it will be posted {time} ({from_now}).",
            id=draft.id,
            time=time,
            from_now=from_now,
        )
    return say(
        "⏰ Draft {id} will be posted {time} ({from_now}).",
        id=draft.id,
        time=time,
        from_now=from_now,
    )


def _rejected(draft: Draft) -> Words:
    if draft.reason is None:
        return say("❌ Draft {id} is rejected. Nothing was posted. You may say why:", id=draft.id)
    reason = REASON_WORDS[draft.reason]
    return say(
        "❌ Draft {id} is rejected: {reason}. Nothing was posted.", id=draft.id, reason=reason
    )


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


def became_of_notes(draft: Draft, candidate: Candidate) -> list[Words]:
    """What a text kept of the facts that its owner gave, what it misses, and what it adds.

    A fact that was not given is the model's, on a bare topic too.
    """
    found, lines = check(draft.given, candidate.text, notes=draft.notes), list[Words]()
    given = len(found.kept) + len(found.missing)
    if draft.notes and given:
        kept = len(found.kept)
        lines.append(say_n("{kept} of {n} fact", "{kept} of {n} facts", n=given, kept=kept))
    if draft.notes and found.left_out:
        lines.append(say("missing: {facts}", facts=_listed(found.left_out)))
    if found.put_in:
        lines.append(say("⚠️ added: {facts}", facts=_listed(found.put_in)))
    return lines


def _listed(facts: Sequence[str]) -> Words | str:
    """As many as there is room for, and how many more there are."""
    shown = [facts[0][:_ROOM]]
    for fact in facts[1:]:
        if len(", ".join((*shown, fact))) > _ROOM:
            break
        shown.append(fact)
    left = len(facts) - len(shown)
    said = ", ".join(map(isolated, shown))
    if not left:
        return said
    return say_n("{facts} and {n} more", "{facts} and {n} more", n=left, facts=said)
