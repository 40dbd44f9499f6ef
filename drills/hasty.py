"""The bot as `python -m bot` runs it, but for its patience with servers: seconds, not minutes."""

import sys
from datetime import timedelta

from bot import drafting
from bot.__main__ import main
from bot.posting.once import Patience

HASTE = Patience(
    commits_within=timedelta(seconds=4),
    first_pause=timedelta(seconds=0.5),
    longest_pause=timedelta(seconds=1),
)

if __name__ == "__main__":
    setattr(drafting, "Patience", lambda: HASTE)  # noqa: B010  # in this process alone
    sys.exit(main())
