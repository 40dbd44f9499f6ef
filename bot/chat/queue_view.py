"""An owner's queue as Discord shows it: its slots, its texts, one of them, and warnings.

Sends nothing. A custom_id names a draft or a page; the store knows whose it is.
"""

from collections.abc import Sequence
from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat import render
from bot.clock import DAYS
from bot.draft import Draft
from bot.language import day_names, translate
from bot.posting.queue import Overlap
from bot.posting.slots import Slots
from bot.sentences import Words, say, say_n
from bot.visible import inline, one_line

USE_ID = r"queue:use:(?P<slots>[a-z0-9:, ]{1,80})"
TURN_ID = r"queue:page:(?P<page>\d{1,6})"
PICK_ID = r"queue:pick"
TEXT_ID = r"queue:(?P<what>up|down|now|out):(?P<id>\d{1,18})"
STATE_ID = r"queue:(?P<what>pause|resume|surely)"
TEXTS_A_PAGE = 10
_STYLE = discord.ButtonStyle


def slots_line(slots: Slots, locale: str) -> str:
    """The slots as people write them: "Mon–Fri 09:00, 18:30 · Sat 11:00 (Europe/Berlin)"."""
    found = (f"{_named(days, locale)} {', '.join(times)}" for days, times in slots.by_days)
    return f"{' · '.join(found)} ({slots.timezone})"


def _named(days: Sequence[str], locale: str) -> str:
    if len(days) == len(DAYS):
        return translate(say("every day"), locale)
    names = dict(zip(DAYS, day_names(locale), strict=True))
    first, last = DAYS.index(days[0]), DAYS.index(days[-1])
    if len(days) > 2 and last - first == len(days) - 1:
        return f"{names[days[0]]}–{names[days[-1]]}"
    return ", ".join(names[day] for day in days)


def offer(slots: Slots, locale: str) -> discord.ui.View:
    """A button that makes proposed slots one's own."""
    return _view((f"queue:use:{slots}", say("Use these"), _STYLE.success, 0), locale=locale)


def queue_page(
    texts: Sequence[Draft], number: int, locale: str, *, is_paused: bool, news: Words | None = None
) -> render.MessageParts:
    """One page of a queue: its texts, a menu to choose one, and a button to pause or go on.

    `news` stands above it.
    """
    last = max(0, len(texts) - 1) // TEXTS_A_PAGE
    number = min(number, last)
    start = number * TEXTS_A_PAGE
    shown = list(enumerate(texts[start : start + TEXTS_A_PAGE], start + 1))
    view = _view(
        *(
            (f"queue:page:{to}", label, _STYLE.secondary, 1)
            for label, to in (("◀", number - 1), ("▶", number + 1))
            if 0 <= to <= last
        ),
        ("queue:resume", say("Go on"), _STYLE.success, 1)
        if is_paused
        else ("queue:pause", say("Pause"), _STYLE.secondary, 1),
        locale=locale,
    )
    if shown:
        view.add_item(_menu(shown, locale))
    lines = [news] if news else []
    lines.append(
        say_n("{n} text is in your queue.", "{n} texts are in your queue.", n=len(texts))
        if texts
        else say("Your queue is empty. ➕ below a draft puts a text into it.")
    )
    if is_paused:
        lines.append(say("⏸️ It is paused: nothing goes out until you go on."))
    listed = "\n".join(_line(position, draft, locale) for position, draft in shown)
    return {
        "content": "\n".join(translate(line, locale) for line in lines),
        "embeds": [discord.Embed(description=listed, colour=0x5865F2)] if listed else [],
        "view": view,
    }


def queue_text(
    draft: Draft, position: int, count: int, locale: str, overlaps: Sequence[Overlap]
) -> render.MessageParts:
    """One text of a queue, whole, with what can be done with it."""
    view = _view(
        *(
            (f"queue:{what}:{draft.id}", label, style, 0)
            for what, label, style, is_offered in (
                ("up", say("▲ Earlier"), _STYLE.secondary, position > 1),
                ("down", say("▼ Later"), _STYLE.secondary, position < count),
                ("now", say("Post now"), _STYLE.success, True),
                ("out", say("Take it out"), _STYLE.danger, True),
            )
            if is_offered
        ),
        (
            f"queue:page:{(position - 1) // TEXTS_A_PAGE}",
            say("Back to the queue"),
            _STYLE.secondary,
            1,
        ),
        locale=locale,
    )
    where = say(
        "Text {position} of {count}, {when}", position=position, count=count, when=_when(draft)
    )
    lines = [translate(where, locale)]
    if warned := warning(overlaps):
        lines.append(f"⚠️ {translate(warned, locale)}")
    return {"content": "\n".join(lines), "embeds": render.embeds(draft, locale), "view": view}


def sure(since: datetime, first: Draft, locale: str) -> render.MessageParts:
    """The question before a queue goes on after weeks without a post."""
    asked = say(
        "Nothing of yours was posted since {date}. Are the texts of your queue still right? The"
        " first one says: {text}",
        date=format_dt(since, "D"),
        text=inline(first.approved.text, 300),
    )
    view = _view(
        ("queue:surely", say("Go on"), _STYLE.success, 0),
        ("queue:page:0", say("Show the queue"), _STYLE.secondary, 0),
        locale=locale,
    )
    return {"content": translate(asked, locale), "embeds": [], "view": view}


def warning(overlaps: Sequence[Overlap]) -> Words | None:
    """What a text comes too near to, in words; the two nearest."""
    said = [_overlap(overlap) for overlap in overlaps[:2]]
    if len(said) == 2:
        return say("{one} {other}", one=said[0], other=said[1])
    return said[0] if said else None


def _overlap(overlap: Overlap) -> Words:
    other = overlap.other
    if other is None:
        return say("It is nearly a post of your archive.")
    values = {"id": other.id, "when": _when(other)}
    if overlap.is_alike and other.posted_at:
        return say("It is nearly what draft {id} says, which was posted {when}.", **values)
    if overlap.is_alike:
        return say("It is nearly what draft {id} says, which also goes out: {when}.", **values)
    return say("Less than an hour lies between it and draft {id}: {when}.", **values)


def _when(draft: Draft) -> Words | str:
    at = draft.posted_at or draft.post_at
    return format_dt(at, "f") if at else say("when the queue goes on")


def _line(position: int, draft: Draft, locale: str) -> str:
    when = _when(draft)
    shown = translate(when, locale) if isinstance(when, Words) else when
    return f"**{position}** · {shown} · {inline(draft.approved.text, 80)}"


def _menu(shown: Sequence[tuple[int, Draft]], locale: str) -> discord.ui.Select[discord.ui.View]:
    options = [
        discord.SelectOption(
            label=f"{position} · {one_line(draft.approved.text, 80)}"[:100], value=str(draft.id)
        )
        for position, draft in shown
    ]
    hint = translate(say("Choose a text"), locale)
    return discord.ui.Select(custom_id=PICK_ID, placeholder=hint[:150], options=options, row=0)


def _view(
    *buttons: tuple[str, Words | str, discord.ButtonStyle, int], locale: str
) -> discord.ui.View:
    """A view of buttons: custom_id, label, style and row each."""
    view = discord.ui.View(timeout=None)
    for custom_id, label, style, row in buttons:
        text = translate(label, locale) if isinstance(label, Words) else label
        view.add_item(discord.ui.Button(label=text, custom_id=custom_id, style=style, row=row))
    view.stop()  # the custom_ids are enough, also after a restart
    return view
