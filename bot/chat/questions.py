"""Questions to an owner as Discord shows them: the form with two fields, and the daily suggestion.

Sends nothing. A custom_id names the question; the store knows whose it is.
"""

from typing import TypedDict

import discord

from bot.daily import Suggestion
from bot.language import translate
from bot.sentences import Words, say, say_n
from bot.store.questions import Question
from bot.visible import inline

TELL_ID = r"tell:(?P<id>\d{1,18})"  # a button and the form that it opens
MAX_TOPIC = 200  # characters
MAX_NOTES = 1000  # with the post they fill what the engine can read at once


class AskedParts(TypedDict):
    """The arguments for `send` of a question."""

    content: str
    view: discord.ui.View


def tell_form(question: Question, locale: str) -> discord.ui.Modal:
    """The form with the topic and the notes, filled in as far as they are known."""
    modal = discord.ui.Modal(
        title=translate(say("A post of yours"), locale)[:45],
        custom_id=f"tell:{question.id}",
        timeout=None,
    )
    topic = discord.ui.TextInput[discord.ui.View](
        custom_id="topic",
        required=False,
        max_length=MAX_TOPIC,
        default=(question.topic or "")[:MAX_TOPIC],
    )
    notes = discord.ui.TextInput[discord.ui.View](
        custom_id="notes",
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=MAX_NOTES,
        default=(question.notes or "")[:MAX_NOTES],
        placeholder=translate(say("Facts, figures, names, an opinion, a rough text"), locale)[:100],
    )
    for label, field in ((say("Topic"), topic), (say("What is it to say?"), notes)):
        modal.add_item(discord.ui.Label(text=translate(label, locale)[:45], component=field))
    modal.stop()  # the custom_id is enough, also after a restart
    return modal


def tell_button(question: Question, locale: str) -> discord.ui.View:
    """The button that opens the form."""
    view = discord.ui.View(timeout=None)
    view.add_item(
        discord.ui.Button(
            label=translate(say("Tell me"), locale)[:80],
            style=discord.ButtonStyle.primary,
            custom_id=f"tell:{question.id}",
        )
    )
    view.stop()
    return view


def asked(suggestion: Suggestion, locale: str) -> AskedParts:
    """The daily suggestion: why it comes, what is asked, and what comes with it."""
    lines = [why(suggestion)]
    view = discord.ui.View(timeout=None)
    if suggestion.question:
        lines.append(say("What is there to tell today?"))
        view = tell_button(suggestion.question, locale)
    if suggestion.draft:
        lines.append(say("Here is a draft on the topic alone: what it says is made up."))
    view.stop()
    return {"content": "\n".join(translate(line, locale) for line in lines), "view": view}


def why(suggestion: Suggestion) -> Words:
    """Why the daily suggestion comes."""
    if suggestion.topic is None:
        return say("☀️ It is time for a post.")
    topic = inline(suggestion.topic)
    if suggestion.year:
        return say(
            "☀️ On this day in {year} you wrote about **{topic}**.",
            year=suggestion.year,
            topic=topic,
        )
    if suggestion.posts:
        return say_n(
            "☀️ You have written {n} post about **{topic}**.",
            "☀️ You have written {n} posts about **{topic}**.",
            n=suggestion.posts,
            topic=topic,
        )
    return say("☀️ **{topic}** is one of the topics you chose.", topic=topic)
