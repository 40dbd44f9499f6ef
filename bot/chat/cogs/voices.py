"""/voice: lists the voices, chooses the one to draft with, and grants rights to them."""

from datetime import UTC, datetime, timedelta

import discord
from discord import app_commands
from discord.ext import commands
from discord.utils import escape_markdown, format_dt

from bot.chat.answers import answer
from bot.chat.choices import known_voices, usable_voices
from bot.errors import BotError
from bot.sentences import Words, say, say_n
from bot.store.decisions import DecisionTable
from bot.store.trials import TrialTable
from bot.voice import Voice
from bot.voice.rates import Approvals
from bot.writing.voices import Belongs, Voices

MAX_LISTED = 20  # a message holds 2000 characters
LATELY = timedelta(days=30)
FIGURES = {  # of voice.json -> what a person reads
    "bits_per_char": say("bits per character on posts it had not seen"),
    "bits_per_char_base": say("bits per character before it learnt from them"),
    "train_seconds": say("seconds of training"),
    "validation_loss": say("loss on posts it had not seen"),
}
JUDGES = ("c2st_style", "c2st_style_second")  # the one that tells drafts more often is believed
WEAK_POINTS = {  # the measure that `evaluate` found farthest from its goal
    "short_manner": say("its manner"),
    "short_copies": say("copies of old posts"),
    "short_topic": say("keeping to the topic"),
    "short_variety": say("variety"),
    "short_length": say("the lengths of its drafts"),
}


class VoiceCommands(
    commands.GroupCog, name="voice", description="The voices, and who may write with them"
):
    """Nobody drafts in another person's voice."""

    def __init__(self, voices: Voices, decisions: DecisionTable, trials: TrialTable) -> None:
        self.voices = voices
        self.decisions = decisions
        self.trials = trials

    @app_commands.command(name="list", description="The voices you may write with")
    async def list_voices(self, interaction: discord.Interaction) -> None:
        """List them; an operator sees every voice with its owner."""
        user_id = interaction.user.id
        names = await self.voices.known_names(user_id)
        if not names:
            await self.voices.name_of(user_id)  # says what to do
        usable = await self.voices.names(user_id)
        used = await self.voices.name_of(user_id) if usable else None
        lines = [await self._line(user_id, name, name == used) for name in names[:MAX_LISTED]]
        if len(names) > MAX_LISTED:
            lines.append(say_n("… and {n} more.", "… and {n} more.", n=len(names) - MAX_LISTED))
        await answer(interaction, *lines)

    @app_commands.command(name="use", description="Choose the voice you draft with")
    @app_commands.describe(voice="Its name")
    @app_commands.autocomplete(voice=usable_voices)
    async def use(self, interaction: discord.Interaction, voice: str) -> None:
        """Choose the voice to draft with."""
        await self.voices.use(interaction.user.id, voice)
        await answer(interaction, say("You draft in the voice **{voice}** now.", voice=voice))

    @app_commands.command(name="show", description="What a voice learnt from, and whose it is")
    @app_commands.describe(voice="Its name (the one you use)")
    @app_commands.autocomplete(voice=known_voices)
    async def show(self, interaction: discord.Interaction, voice: str | None = None) -> None:
        """Show what is known of a voice."""
        shown, belongs = await self.voices.about(interaction.user.id, voice)
        lines = _portrait(shown, belongs, interaction.user.id)
        await answer(interaction, *lines, *await self._rates(shown))

    @app_commands.command(name="grant", description="Let somebody write with a voice")
    @app_commands.describe(
        user="The operator gives a voice to its owner; its owner lets guests write with it",
        voice="Its name (the one you use)",
    )
    @app_commands.autocomplete(voice=known_voices)
    async def grant(
        self, interaction: discord.Interaction, user: discord.User, voice: str | None = None
    ) -> None:
        """Give a voice to its owner, or let a guest in."""
        name, role = await self.voices.grant(interaction.user.id, user.id, voice, datetime.now(UTC))
        if role == "owner":
            answer_text = say(
                "The voice **{voice}** is {person}'s now: only they draft in it, and only they"
                " let others.",
                voice=name,
                person=user.mention,
            )
        else:
            answer_text = say(
                "{person} may draft in your voice **{voice}** now. `/voice revoke` ends it.",
                voice=name,
                person=user.mention,
            )
        await answer(interaction, answer_text)

    @app_commands.command(name="revoke", description="Take a voice from somebody, or give it up")
    @app_commands.describe(
        user="Whose right to write with it ends", voice="Its name (the one you use)"
    )
    @app_commands.autocomplete(voice=known_voices)
    async def revoke(
        self, interaction: discord.Interaction, user: discord.User, voice: str | None = None
    ) -> None:
        """End somebody's right to a voice; their pending drafts in it cannot be posted any more."""
        name = await self.voices.revoke(interaction.user.id, user.id, voice)
        answer_text = say(
            "{person} cannot draft in the voice **{voice}** any more, nor post what was drafted"
            " in it.",
            voice=name,
            person=user.mention,
        )
        await answer(interaction, answer_text)

    async def _rates(self, voice: Voice) -> list[Words]:
        """Approvals and guesses about its drafts, as far as they are known."""
        since = datetime.now(UTC) - LATELY
        approvals = await self.decisions.approvals(voice.name, since)
        lines = [_approved(approvals)] if approvals.decided else []
        guesses = await self.trials.guesses(voice.name, voice.created_at)
        if guesses.count:
            lines.append(say("Blind test (`/which-one`): {guesses}", guesses=guesses.words()))
        return lines

    async def _line(self, user_id: int, name: str, is_used: bool) -> Words:
        try:
            voice, belongs = await self.voices.about(user_id, name)
        except BotError as e:
            return e.words
        posts, bits = voice.counts.get("train", 0), voice.metrics.get("bits_per_char")
        return say(
            "{mark} **{voice}**: {whose}; {learnt}{quality}",
            mark="▶" if is_used else "▪",
            voice=name,
            whose=_whose(belongs, user_id),
            learnt=say_n("learnt from {n} post", "learnt from {n} posts", n=posts),
            quality=say("; {bits} bits per character", bits=f"{bits:.2f}") if bits else "",
        )


def _portrait(voice: Voice, belongs: Belongs, user_id: int) -> list[Words]:
    learnt = sum(voice.counts.get(part, 0) for part in ("train", "validation"))
    lines = [
        say("**{voice}**: {whose}", voice=voice.name, whose=_whose(belongs, user_id)),
        say(
            "It learnt from {posts} {when}, on the base model {base}.",
            posts=say_n("{n} post", "{n} posts", n=learnt),
            when=format_dt(datetime.fromisoformat(voice.created_at), "R"),
            base=escape_markdown(voice.base.name)
            + (f" ({voice.base.terms})" if voice.base.terms else ""),
        ),
    ]
    if belongs.guests:
        guests = " ".join(f"<@{guest}>" for guest in belongs.guests)
        lines.append(say("Guests: {guests}", guests=guests))
    if judged := _judged(voice.metrics):
        lines.append(judged)
    for name, about in FIGURES.items():
        if name in voice.metrics:
            lines.append(say("{figure}: {about}", figure=f"{voice.metrics[name]:g}", about=about))
    return lines


def _judged(metrics: dict[str, float]) -> Words | None:
    """An evaluation's findings in a line; docs/voice.md explains the figures."""
    posts, weak = metrics.get("evaluated_posts"), WEAK_POINTS.keys() & metrics.keys()
    if not posts or not weak:
        return None
    style = max((metrics[name] for name in JUDGES if name in metrics), default=None)
    manner = say("too few to compare its manner")
    if style is not None:
        manner = say(
            "a classifier knows its drafts from real posts {right} times in 100 (50 is guessing)",
            right=f"{style * 100:.0f}",
        )
    return say(
        "Judged by {posts} that it had not seen: {manner}. Weakest point: {point}.",
        posts=say_n("{n} post", "{n} posts", n=int(posts)),
        manner=manner,
        point=WEAK_POINTS[max(sorted(weak), key=lambda name: metrics[name])],
    )


def _approved(approvals: Approvals) -> Words:
    """The share of approved drafts, in a line: the product's own measure."""
    return say_n(
        "In the last {days} days {approved} of {n} draft was approved ({rate}), {edited} of the"
        " approved after an edit ({edit_rate}).",
        "In the last {days} days {approved} of {n} drafts were approved ({rate}), {edited} of the"
        " approved after an edit ({edit_rate}).",
        n=approvals.decided,
        days=LATELY.days,
        approved=approvals.approved,
        rate=f"{approvals.approval_rate:.0%}",
        edited=approvals.edited,
        edit_rate=f"{approvals.edit_rate if approvals.approved else 0:.0%}",
    )


def _whose(belongs: Belongs, user_id: int) -> Words:
    if belongs.owner is None:
        return say("nobody's yet, so the operators'")
    if belongs.owner == user_id:
        return say("yours")
    return say("{person}'s", person=f"<@{belongs.owner}>")
