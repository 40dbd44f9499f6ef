"""A draft as Discord shows it: text, embeds, buttons and forms. Sends nothing.

Shows every candidate exactly as it would be posted: escapes Markdown, shows a thread part by part,
and puts texts too long for a message in a file beside it.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import TypedDict

import discord
from discord.utils import format_dt

from bot.chat.actions import EMOJI, OF_ONE_TEXT, REASONS, Action, ActionKind, keycap
from bot.chat.choices import places
from bot.chat.story import became_of_notes, story
from bot.draft import STATE_WORDS, Candidate, Draft, Network, State
from bot.language import translate
from bot.sentences import Words, say, say_n
from bot.visible import escaped, inline
from bot.voice.facts import handles
from bot.voice.rates import REASON_WORDS

__all__ = [
    "DRAFTS_A_PAGE",
    "MAX_INPUT",
    "PAGE_ID",
    "VISIBILITY_WORDS",
    "MessageParts",
    "buttons",
    "content",
    "embeds",
    "escaped",
    "files",
    "form",
    "inline",
    "message",
    "page",
    "units",
    "which_one",
]

MAX_EMBED, MAX_EMBEDS = 4096, 6000  # characters of a description, and of all that embeds hold
MAX_NAMES = 150  # characters: eight footers must leave room for eight texts
MAX_INPUT = 4000
DRAFTS_A_PAGE = 5  # drafts on a page of /drafts, with a button each
PAGE_ID = r"drafts:(?P<state>\w+):(?P<page>\d{1,6})"

LABELS: dict[ActionKind, Words] = {
    "edit": say("Edit"),
    "again": say("New ones"),
    "wish": say("New ones, with a wish"),
    "later": say("Post later"),
    "queue": say("Queue"),
    "reject": say("Reject"),
    "there": say("It is there"),
    "absent": say("It is not there"),
}
STYLES: dict[ActionKind, discord.ButtonStyle] = {
    "approve": discord.ButtonStyle.success,
    "there": discord.ButtonStyle.success,
    "reject": discord.ButtonStyle.danger,
    "back": discord.ButtonStyle.danger,
}
_BLURPLE, _GREEN, _GREY = 0x5865F2, 0x3BA55D, 0x747F8D
_COLOURS = {State.PUBLISHED: _GREEN, **dict.fromkeys((State.REJECTED, State.EXPIRED), _GREY)}
_COLOURS |= dict.fromkeys((State.REPLACED, State.UNDONE), _GREY)


class MessageParts(TypedDict):
    """The arguments for `send` and `edit` of a message."""

    content: str
    embeds: list[discord.Embed]
    view: discord.ui.View


def message(draft: Draft, locale: str, now: datetime, note: Words | None = None) -> MessageParts:
    """The whole message, but for `files`. `note` is further news for its owner."""
    return {
        "content": content(draft, locale, note),
        "embeds": embeds(draft, locale),
        "view": buttons(draft, locale, now),
    }


def content(draft: Draft, locale: str, note: Words | None = None) -> str:
    """The line above the candidates: what this is, or its outcome."""
    lines = [translate(story(draft), locale)]
    if draft.state is State.PENDING and not draft.is_broken_thread:
        lines.append(translate(_HOW, locale))
    if draft.state in (State.PENDING, State.SCHEDULED):
        lines += [f"-# {translate(words, locale)}" for words in _style(draft)]
    if draft.twin_of:
        same = say(
            "The same as draft {id}, for {places}.", id=draft.twin_of, places=places(draft.networks)
        )
        lines.append(f"-# {translate(same, locale)}")
    if note:
        lines.append(f"⚠️ {translate(note, locale)}")
    return "\n".join(lines)[:2000]


_HOW = say(
    "A number posts that text. ✏️ edits one, 🔁 writes new ones, 💬 writes new ones with your wish,"
    " ⏰ posts one later, ➕ puts one into your queue, ❌ rejects the draft."
)


def embeds(draft: Draft, locale: str) -> list[discord.Embed]:
    """One embed a candidate; once one is approved, only that."""
    found = _whole_embeds(draft, locale)
    if not _fit(found):
        whole = translate(say("The whole text is in the file."), locale)
        besides = sum(units(e) - units(e.description or "") for e in found)
        room = min((MAX_EMBEDS - besides) // len(found), MAX_EMBED) - len(whole) - 10
        for embed in found:
            if units(embed.description or "") > room + len(whole):
                embed.description = f"{_cut(embed.description or '', room)}…\n-# {whole}"
    return found


def _whole_embeds(draft: Draft, locale: str) -> list[discord.Embed]:
    colour = _COLOURS.get(draft.state, _BLURPLE)
    return [
        discord.Embed(
            title=keycap(i), description=_exact(draft, draft.candidates[i], locale), colour=colour
        ).set_footer(text=_footer(draft, draft.candidates[i], locale))
        for i in _shown(draft)
    ]


def files(draft: Draft, locale: str) -> list[discord.File]:
    """The texts as a file, if they are too long for a message."""
    shown = _shown(draft)
    if _fit(_whole_embeds(draft, locale)):
        return []
    candidates = [draft.candidates[i] for i in shown]
    texts = ["\n\n---\n\n".join((*c.statuses, *c.also)) for c in candidates]
    whole = "\n\n".join(f"[{i + 1}]\n{text}" for i, text in zip(shown, texts, strict=True))
    return [discord.File(io.BytesIO(whole.encode()), f"draft-{draft.id}.txt")]


def buttons(draft: Draft, locale: str, now: datetime) -> discord.ui.View:
    """The buttons for the decisions possible now, each with the draft's id."""
    view = discord.ui.View(timeout=None)
    if draft.is_broken_thread:
        assert draft.chosen is not None
        rest = _approval(draft, draft.chosen)
        _add(view, draft, rest, translate(say("Post the rest"), locale))
        _add(view, draft, Action("back"), translate(say("Delete what is posted"), locale))
    elif draft.state is State.PENDING:
        for i in range(len(draft.candidates)):
            label = translate(say("Post {number}", number=i + 1), locale)
            _add(view, draft, _approval(draft, i), label, row=i // 5)
        for i, kind in enumerate(kind for kind in EMOJI if kind != "back"):
            label = translate(LABELS[kind], locale)
            _add(view, draft, _form_of(draft, kind), label, row=2 + i // 3)
    elif draft.state is State.SCHEDULED:
        _add(view, draft, Action("back"), translate(say("Take it back"), locale))
    elif draft.state is State.UNKNOWN:
        _add(view, draft, Action("there"), translate(LABELS["there"], locale))
        _add(view, draft, Action("absent"), translate(LABELS["absent"], locale))
    elif draft.state is State.REJECTED:
        for action, reason in REASONS.items():
            is_it = discord.ButtonStyle.primary if draft.reason is reason else None
            _add(view, draft, Action(action), translate(REASON_WORDS[reason], locale), style=is_it)
    elif draft.can_undo(now):
        _add(view, draft, Action("back"), translate(say("Undo"), locale))
    return _stopped(view)


def which_one(draft: Draft, kind: ActionKind, locale: str) -> MessageParts:
    """A question with a button for each candidate; each opens the form for it."""
    view = discord.ui.View(timeout=None)
    if kind == "wish":
        _add(view, draft, Action(kind), translate(LABELS[kind], locale))
        asked = say("What do you wish for in draft {id}?", id=draft.id)
    else:
        for i, candidate in enumerate(draft.candidates):
            action = Action(kind, i, candidate.fingerprint)
            _add(view, draft, action, f"{translate(LABELS[kind], locale)} {i + 1}")
        asked = Words(_WHICH[kind].template, {"id": draft.id})
    return {"content": translate(asked, locale), "embeds": [], "view": _stopped(view)}


_WHICH: dict[ActionKind, Words] = {
    "edit": say("Which text of draft {id} do you want to edit?"),
    "later": say("Which text of draft {id} do you want to post later?"),
    "queue": say("Which text of draft {id} do you want in your queue?"),
}


def form(draft: Draft, action: Action, locale: str, timezone: str | None) -> discord.ui.Modal:
    """The form to edit a text, write a wish, or name a time."""
    title = translate(LABELS[action.kind], locale)
    if action.position is not None:
        title = f"{title}: {action.position + 1}"
    modal = discord.ui.Modal(title=title[:45], custom_id=action.custom_id(draft), timeout=None)
    match action.kind:
        case "edit":
            assert action.position is not None
            text = draft.candidates[action.position].text
            field = discord.ui.TextInput[discord.ui.View](
                custom_id="text",
                style=discord.TextStyle.paragraph,
                default=text,
                max_length=MAX_INPUT,
            )
            _ask(modal, translate(say("The text"), locale), field)
        case "wish":
            field = discord.ui.TextInput(
                custom_id="wish",
                max_length=200,
                placeholder=translate(say("Such as: shorter, and without hashtags"), locale),
            )
            _ask(modal, translate(say("What should be different?"), locale), field)
        case _:
            field = discord.ui.TextInput(
                custom_id="when",
                max_length=40,
                placeholder=translate(say("18:30, tomorrow 9:00 or 2026-12-01 09:00"), locale),
            )
            _ask(modal, translate(say("When?"), locale), field)
            field = discord.ui.TextInput(
                custom_id="timezone", max_length=40, default=timezone, placeholder="Europe/Berlin"
            )
            _ask(modal, translate(say("In which time zone?"), locale), field)
    modal.stop()  # as for views: the custom_id is enough
    return modal


def page(
    drafts: Sequence[Draft], state: State | None, number: int, total: int, locale: str
) -> MessageParts:
    """One page of somebody's drafts, with a button to show each, and two to turn the page."""
    view = discord.ui.View(timeout=None)
    for draft in drafts:
        _add(view, draft, Action("show"), str(draft.id), row=0)
    turns = {"◀": number - 1, "▶": number + 1}
    for sign, to in turns.items():
        if 0 <= to <= (total - 1) // DRAFTS_A_PAGE:
            custom_id = f"drafts:{state or 'all'}:{to}"
            view.add_item(discord.ui.Button(label=sign, custom_id=custom_id, row=1))
    lines = [_line(draft, locale) for draft in drafts]
    found = say_n("{n} draft.", "{n} drafts.", n=total)
    if state:
        which = STATE_WORDS[state]
        found = say_n("{n} draft: {state}.", "{n} drafts: {state}.", n=total, state=which)
    shown = [discord.Embed(description="\n".join(lines), colour=_BLURPLE)] if lines else []
    return {"content": translate(found, locale), "embeds": shown, "view": _stopped(view)}


def _line(draft: Draft, locale: str) -> str:
    """A draft's line in a list."""
    line = say(
        "**{id}** · {topic} · {state}, {when}",
        id=draft.id,
        topic=inline(draft.topic or draft.notes or "…", 80),
        state=STATE_WORDS[draft.state],
        when=format_dt(draft.posted_at or draft.created_at, "R"),
    )
    links = [say("[status]({url})", url=draft.status_url)] if draft.status_url else []
    if draft.channel_id:
        url = f"https://discord.com/channels/@me/{draft.channel_id}/{draft.message_id}"
        links.append(say("[message]({url})", url=url))
    return " · ".join(translate(words, locale) for words in (line, *links))


def _ask(modal: discord.ui.Modal, label: str, field: discord.ui.TextInput[discord.ui.View]) -> None:
    modal.add_item(discord.ui.Label(text=label[:45], component=field))


def _add(
    view: discord.ui.View,
    draft: Draft,
    action: Action,
    label: str,
    row: int | None = None,
    style: discord.ButtonStyle | None = None,
) -> None:
    view.add_item(
        discord.ui.Button(
            label=label[:80],
            emoji=EMOJI.get(action.kind),
            style=style or STYLES.get(action.kind, discord.ButtonStyle.secondary),
            custom_id=action.custom_id(draft),
            row=row,
        )
    )


def _stopped(view: discord.ui.View) -> discord.ui.View:
    """Stop a view: discord.py would keep it in memory for ever; the custom_id is enough."""
    view.stop()
    return view


def _approval(draft: Draft, position: int) -> Action:
    return Action("approve", position, draft.candidates[position].fingerprint)


def _form_of(draft: Draft, kind: ActionKind) -> Action:
    """The button's action; with one candidate only, its form opens at once."""
    if kind in OF_ONE_TEXT and len(draft.candidates) == 1:
        return Action(kind, 0, draft.candidates[0].fingerprint)
    return Action(kind)


def _shown(draft: Draft) -> list[int]:
    return list(range(len(draft.candidates))) if draft.chosen is None else [draft.chosen]


def _fit(found: Sequence[discord.Embed]) -> bool:
    longest = max(units(embed.description or "") for embed in found)
    return sum(map(units, found)) <= MAX_EMBEDS and longest <= MAX_EMBED


def units(text: str | discord.Embed) -> int:
    """The length as Discord's apps count it, in UTF-16: an emoji is two. Its server counts less."""
    if isinstance(text, discord.Embed):
        return sum(map(units, (text.title or "", text.description or "", text.footer.text or "")))
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str, room: int) -> str:
    """The beginning of a text, at most `room` units of it."""
    return text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")


def _exact(draft: Draft, candidate: Candidate, locale: str) -> str:
    """A candidate as it would be posted, part by part; for each network, if it differs there."""
    if not candidate.also:
        return _part_by_part(candidate.statuses, locale)
    return "\n".join(
        f"-# __{network.proper}__\n{_part_by_part(texts, locale)}"
        for network, texts in zip(
            draft.networks, (candidate.statuses, candidate.also), strict=False
        )
    )


def _part_by_part(texts: Sequence[str], locale: str) -> str:
    if len(texts) == 1:
        return escaped(texts[0])
    headings = (
        say("Part {part} of {parts}", part=i + 1, parts=len(texts)) for i in range(len(texts))
    )
    return "\n".join(
        f"-# {translate(heading, locale)}\n{escaped(part)}"
        for heading, part in zip(headings, texts, strict=True)
    )


def _footer(draft: Draft, candidate: Candidate, locale: str) -> str:
    length = say("{length} of {limit} characters", length=candidate.length, limit=draft.max_chars)
    words = [*became_of_notes(draft, candidate), length]
    if (parts := max(len(candidate.parts), len(candidate.also))) > 1:
        words.append(say("a thread of {parts}", parts=parts))
    if candidate.original is not None:
        words.append(say("edited by you"))
    if mentioned := sorted(handles(candidate.text)):
        words.append(say("⚠️ mentions {names}", names=_listed(mentioned)))
    return " · ".join(translate(w, locale) for w in words)


def _listed(names: Sequence[str]) -> str:
    """The names, or as many as there is room for and how many more there are."""
    sums = accumulate(len(name) + 2 for name in names)
    fitting = [name for name, length in zip(names, sums, strict=True) if length <= MAX_NAMES]
    more = len(names) - len(fitting)
    return ", ".join(fitting or [names[0][:MAX_NAMES]]) + (f" … (+{more})" if more else "")


def _style(draft: Draft) -> list[Words]:
    """The owner's settings besides the topic."""
    style, found = draft.style, list[Words]()
    if draft.networks != (Network.MASTODON,):
        found.append(say("It goes to {places}.", places=places(draft.networks)))
    if draft.notes:
        found.append(say("Your notes: {notes}", notes=inline(draft.notes)))
    if draft.instruction:
        found.append(say("Your wish: {wish}", wish=inline(draft.instruction)))
    if style.content_warning:
        found.append(say("Content warning: {text}", text=inline(style.content_warning)))
    if style.visibility:
        found.append(say("Visibility: {visibility}", visibility=VISIBILITY_WORDS[style.visibility]))
    if style.language:
        found.append(say("Language: {code}", code=style.language))
    return found


VISIBILITY_WORDS = {
    "public": say("public"),
    "unlisted": say("unlisted"),
    "private": say("followers only"),
    "direct": say("mentioned people only"),
}
