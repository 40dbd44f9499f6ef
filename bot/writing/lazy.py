"""OpenAI's library, imported when it is first used.

It takes half a second, and an eighth of the memory of a bot that waits for its first draft.
"""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from typing import TYPE_CHECKING

__all__ = ["openai"]

if TYPE_CHECKING:
    import openai
elif "openai" in sys.modules:
    openai = sys.modules["openai"]
else:
    _spec = find_spec("openai")
    _spec.loader = LazyLoader(_spec.loader)
    openai = sys.modules["openai"] = module_from_spec(_spec)
    _spec.loader.exec_module(openai)
