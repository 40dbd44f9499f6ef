"""The voices this bot has, and who may write with which: nobody in another person's voice.

A voice belongs to the person the operator granted it to; until then to the operators themselves.
"""

from pathlib import Path

from bot.composing import OpenVoice
from bot.errors import UserError
from bot.store import Store
from bot.voice import list_voices


class Voices:
    """Every voice in one folder, opened when it is first used."""

    def __init__(
        self, folder: Path, store: Store, operators: frozenset[int], default: str | None = None
    ) -> None:
        self._folder = folder
        self._store = store
        self.operators = operators
        self._default = default
        self._open: dict[str, OpenVoice] = {}

    async def names(self, user_id: int) -> list[str]:
        """The voices a person may write with."""
        return [name for name in list_voices(self._folder) if await self.may_use(name, user_id)]

    async def may_use(self, name: str, user_id: int) -> bool:
        """Whether a person may write with a voice."""
        grants = await self._store.people.grants(name)
        return user_id in grants or ("owner" not in grants.values() and user_id in self.operators)

    async def of(self, user_id: int, name: str | None = None) -> OpenVoice:
        """The voice a person asked for, or uses. Raises UserError if it is not theirs."""
        names = await self.names(user_id)
        chosen = await self._store.people.voice(user_id)
        for wanted in (name,) if name else (chosen, self._default, *names[:1]):
            if wanted in names:
                return self._opened(wanted)
        if name is None:
            raise UserError(
                "No voice of this bot is yours, and nobody drafts in another person's voice."
                " Its operator can grant you yours with /voice grant."
            )
        raise UserError(
            "The voice {voice} is not yours, and nobody drafts in another person's voice."
            " Its owner can grant it to you with /voice grant.",
            voice=name,
        )

    def _opened(self, name: str) -> OpenVoice:
        if name not in self._open:
            self._open[name] = OpenVoice.load(self._folder / name)
        return self._open[name]
