"""OpenAI's library, imported when it is first used.

It takes half a second, and an eighth of the memory of a bot that waits for its first draft.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["openai"]

if TYPE_CHECKING:
    import openai
else:

    class _Openai:
        """The library; importlib's own `LazyLoader` hands other threads a half-loaded one."""

        def __getattr__(self, name: str) -> object:
            return getattr(import_module("openai"), name)

    openai = _Openai()
