"""Whose statuses go to which Mastodon account: each person posts to their own.

The account of the environment, if there is one, is the operators'.
"""

from bot.errors import UserError
from bot.mastodon import Mastodon


class Accounts:
    """The Mastodon accounts of everybody who uses the bot."""

    def __init__(self, operators: frozenset[int], shared: Mastodon | None) -> None:
        self._operators = operators
        self._shared = shared

    async def of(self, user_id: int) -> Mastodon:
        """The account of a person. Raises UserError if they have none."""
        if self._shared and user_id in self._operators:
            return self._shared
        raise UserError(
            "You have not connected a Mastodon account yet. Do it with /mastodon connect."
        )
