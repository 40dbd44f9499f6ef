"""A draft as Discord shows it: text, embeds, buttons and the emoji to react with. Sends nothing.

Every candidate is shown exactly as it would be posted: Markdown in it is escaped.
"""

import re
from dataclasses import dataclass
from typing import Literal

import discord
from discord.utils import escape_markdown

from bot.draft import Draft, State

MAX_CANDIDATES = 8  # with 🔁 and ❌ they fill two rows of five buttons
AGAIN, REJECT = "🔁", "❌"
BUTTON = r"draft:(?P<id>\d+):(?P<action>approve|again|reject)(?::(?P<position>\d))?"

_BLURPLE, _GREEN, _GREY = 0x5865F2, 0x3BA55D, 0x747F8D
_COLOURS = {State.PENDING: _BLURPLE, State.PUBLISHING: _BLURPLE, State.PUBLISHED: _GREEN}


@dataclass(frozen=True, slots=True)
class Action:
    """What a button or a reaction asks for; `position` counts from 0."""

    kind: Literal["approve", "again", "reject"]
    position: int = 0


def keycap(position: int) -> str:
    """Emoji of a candidate: 1️⃣ for position 0."""
    return f"{position + 1}\ufe0f\u20e3"


def action_of_emoji(emoji: str) -> Action | None:
    """What a reaction asks for, or None. Clients may leave out the variation selector."""
    plain = emoji.replace("\ufe0f", "")
    if plain in (AGAIN, REJECT):
        return Action("again" if plain == AGAIN else "reject")
    keycaps = re.fullmatch("([1-8])\u20e3", plain)
    return Action("approve", int(keycaps[1]) - 1) if keycaps else None


def emoji_of(draft: Draft) -> list[str]:
    """Emoji to put below a draft."""
    return [*(keycap(i) for i in range(len(draft.candidates))), AGAIN, REJECT]


def content(draft: Draft, note: str | None = None) -> str:
    """The line above the candidates: what this is, or what became of it."""
    about = f" about **{_inline(draft.topic)}**" if draft.topic else ""
    told = f"{_story(draft)}{about if draft.state is State.PENDING else ''}"
    if draft.state is State.PENDING:
        told += f"\nA number posts that text, {AGAIN} writes new ones, {REJECT} rejects the draft."
    return f"{told}\n⚠️ {note}" if note else told


def embeds(draft: Draft) -> list[discord.Embed]:
    """One embed a candidate; once posted, only the one that was."""
    only = draft.chosen if draft.state in (State.PUBLISHED, State.PUBLISHING) else None
    return [
        discord.Embed(
            title=keycap(i),
            description=escape_markdown(c.text),
            colour=_COLOURS.get(draft.state, _GREY),
        ).set_footer(text=f"{c.length} of {draft.max_chars} characters")
        for i, c in enumerate(draft.candidates)
        if only is None or i == only
    ]


def buttons(draft: Draft) -> discord.ui.View | None:
    """Buttons of a pending draft; the draft's id is in each, so they outlive the process."""
    if draft.state is not State.PENDING:
        return None
    view = discord.ui.View(timeout=None)
    for i in range(len(draft.candidates)):
        view.add_item(
            discord.ui.Button(
                label=f"Post {i + 1}",
                style=discord.ButtonStyle.success,
                custom_id=f"draft:{draft.id}:approve:{i}",
            )
        )
    view.add_item(
        discord.ui.Button(label="New ones", emoji=AGAIN, custom_id=f"draft:{draft.id}:again")
    )
    view.add_item(
        discord.ui.Button(
            label="Reject",
            emoji=REJECT,
            style=discord.ButtonStyle.danger,
            custom_id=f"draft:{draft.id}:reject",
        )
    )
    view.stop()  # discord.py keeps a running view in memory for ever; the custom_id is enough
    return view


def _story(draft: Draft) -> str:
    match draft.state:
        case State.PENDING:
            return f"✍️ Draft {draft.id}"
        case State.PUBLISHING:
            return f"⏳ Draft {draft.id} is being posted."
        case State.PUBLISHED:
            return f"✅ Draft {draft.id} is posted: {draft.status_url}"
        case State.REJECTED:
            return f"❌ Draft {draft.id} is rejected. Nothing was posted."
        case State.SCHEDULED:
            return f"⏰ Draft {draft.id} will be posted later."
        case State.UNDONE:
            return f"↩️ Draft {draft.id} was posted and is deleted again."
        case State.EXPIRED:
            return f"⌛ Draft {draft.id} has expired. Nothing was posted."
        case State.REPLACED:
            return f"🔁 Draft {draft.id} was replaced by new candidates. Nothing was posted."


def _inline(text: str) -> str:
    return escape_markdown(re.sub(r"\s+", " ", text))[:300]
