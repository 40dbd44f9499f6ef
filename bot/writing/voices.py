"""The voices of this bot, and who may write with which: nobody in another person's voice.

A voice belongs to the person the operator gave it to; until then to the operators themselves. Its
owner may let guests write with it. Every use of a voice looks at the folder anew.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from bot.errors import Refused, UserError, VoiceError
from bot.store import Store
from bot.store.grants import Role
from bot.voice import HELD_OUT_FILE, VOICE_FILE, Voice, VoicePost, list_voices, load_posts
from bot.writing.composing import OpenVoice

log = structlog.get_logger()

Stamp = tuple[int, int, int]  # of voice.json, which is written last: time, size, inode


@dataclass(frozen=True, slots=True)
class Belongs:
    """A voice's owner and guests; without an owner it is the operators'."""

    owner: int | None
    guests: tuple[int, ...]


class Voices:
    """Every voice in one folder, opened when it is first used."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        operators: frozenset[int],
        default: str | None = None,
    ) -> None:
        self._folder = folder
        self._people = store.people
        self._grants = store.grants
        self.operators = operators
        self._default = default
        self._open: dict[str, tuple[Stamp, OpenVoice]] = {}
        self._opening = asyncio.Lock()

    async def names(self, user_id: int) -> list[str]:
        """The voices a person may write with."""
        grants = await self._grants.all()
        return [
            name
            for name in list_voices(self._folder)
            if self._may_use(grants.get(name, {}), user_id)
        ]

    async def known_names(self, user_id: int) -> list[str]:
        """The voices a person may hear about: all of them, if they are an operator."""
        if user_id in self.operators:
            return list_voices(self._folder)
        return await self.names(user_id)

    async def of(self, user_id: int, name: str | None = None) -> OpenVoice:
        """The voice a person named, or uses. Raises UserError if it is not theirs."""
        return await self._opened(await self.name_of(user_id, name))

    async def name_of(self, user_id: int, name: str | None = None) -> str:
        """The name of the voice a person named, or uses. Raises UserError if it is not theirs."""
        names = await self.names(user_id)
        if name is not None and name in names:
            return name
        if name is not None:
            raise _not_yours(name)
        for wanted in (await self._people.voice(user_id), self._default, *names[:1]):
            if wanted in names:
                return wanted
        raise UserError(
            "No voice of this bot is yours, and nobody drafts in another person's voice."
            " Its operator can grant you yours with /voice grant."
        )

    async def check(self, user_id: int, name: str) -> None:
        """Raise UserError unless a person may write with a voice, even a missing one."""
        if not self._may_use(await self._grants.of(name), user_id):
            raise _not_yours(name)

    async def use(self, user_id: int, name: str) -> None:
        """Make a voice the one that a person drafts with. Raises UserError."""
        await self._people.choose_voice(user_id, await self.name_of(user_id, name))

    async def about(self, user_id: int, name: str | None = None) -> tuple[Voice, Belongs]:
        """A voice that a person uses, or may hear about, and its owner. Raises UserError."""
        if name is None or name not in await self.known_names(user_id):
            name = await self.name_of(user_id, name)
        roles = await self._grants.of(name)
        owners = [user for user, role in roles.items() if role == "owner"]
        guests = tuple(user for user, role in roles.items() if role == "guest")
        return await self._read(name), Belongs(owners[0] if owners else None, guests)

    async def held_out(self, name: str) -> list[VoicePost]:
        """Posts a voice has not seen; none if it was trained without any."""
        folder = self._folder / name
        try:
            if not (folder / HELD_OUT_FILE).exists():
                return []
            return await asyncio.to_thread(load_posts, folder, HELD_OUT_FILE)
        except VoiceError as e:
            raise _damaged(name, e) from e

    async def posting_times(self, user_id: int) -> list[datetime]:
        """When the posts were posted from which the voice of a person learnt. Raises UserError."""
        name = await self.name_of(user_id)
        try:
            posts = await asyncio.to_thread(load_posts, self._folder / name)
            return [datetime.fromisoformat(p.created_at) for p in posts if p.created_at]
        except (VoiceError, ValueError) as e:
            raise _damaged(name, e) from e

    async def grant(
        self, by: int, user_id: int, name: str | None, now: datetime
    ) -> tuple[str, Role]:
        """Give a voice that nobody owns to an owner, or let a guest write with your own."""
        name = await self._meant(by, name)
        roles = await self._grants.of(name)
        if "owner" not in roles.values() and by in self.operators:
            if await self._grants.give(name, user_id, by, now):
                return name, "owner"
        elif roles.get(by) == "owner" and await self._grants.invite(name, user_id, by, now):
            return name, "guest"
        if user_id in roles and by in roles:
            raise UserError("They may write in the voice {voice} already.", voice=name)
        raise UserError(
            "Only the owner of the voice {voice} lets others write in it. The operator can take it"
            " from its owner with /voice revoke.",
            voice=name,
        )

    async def revoke(self, by: int, user_id: int, name: str | None) -> str:
        """Take a voice from its owner (as operator) or a guest (as its owner); or give it up."""
        name = await self._meant(by, name)
        roles = await self._grants.of(name)
        is_allowed = by == user_id or roles.get(by) == "owner"
        is_allowed |= by in self.operators and roles.get(user_id) == "owner"
        if user_id not in roles:
            raise UserError("They could not write in the voice {voice} anyway.", voice=name)
        if not is_allowed:
            raise UserError("Only the owner of the voice {voice} chooses its guests.", voice=name)
        await self._grants.revoke(name, user_id)
        return name

    async def _meant(self, user_id: int, name: str | None) -> str:
        """The voice of a grant. Raises UserError if this person may not know of it."""
        if name is None:
            return await self.name_of(user_id)
        if name not in await self.known_names(user_id):
            raise _not_yours(name)
        return name

    def _may_use(self, roles: Mapping[int, Role], user_id: int) -> bool:
        return user_id in roles or ("owner" not in roles.values() and user_id in self.operators)

    async def _opened(self, name: str) -> OpenVoice:
        """The voice as it is in the folder now; reads it again if it was trained again."""
        async with self._opening:
            try:
                found = (self._folder / name / VOICE_FILE).stat()
                stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
                known = self._open.get(name)
                if known is None or known[0] != stamp:
                    opened = await asyncio.to_thread(OpenVoice.load, self._folder / name)
                    known = self._open[name] = stamp, opened
            except (VoiceError, OSError) as e:
                raise _damaged(name, e) from e
            return known[1]

    async def _read(self, name: str) -> Voice:
        try:
            return await asyncio.to_thread(Voice.load, self._folder / name)
        except VoiceError as e:
            raise _damaged(name, e) from e


def _not_yours(name: str) -> UserError:
    return UserError(
        "The voice {voice} is not yours, and nobody drafts in another person's voice."
        " Its owner can grant it to you with /voice grant.",
        voice=name[:100],
    )


def _damaged(name: str, error: Exception) -> Refused:
    log.error("a voice cannot be read", voice=name, reason=str(error))
    return Refused(
        "The voice {voice} is damaged. The operator must put its folder back, or train it again.",
        voice=name,
    )
