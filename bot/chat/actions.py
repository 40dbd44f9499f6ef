"""The actions of buttons, reactions and forms below a draft, and their custom_ids. Pure."""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from bot.draft import Draft, RejectionReason

MAX_CANDIDATES = 8  # two rows of buttons, and with the other reactions fewer than Discord's 20

ActionKind = Literal[
    "approve", "edit", "later", "again", "wish", "reject", "back", "there", "absent", "show",
    "untrue", "unlike", "dull", "untimely", "queue", "now", "out",
]  # fmt: skip
FORMS: tuple[ActionKind, ...] = ("edit", "later", "wish")  # the actions that open a form
OF_ONE_TEXT: tuple[ActionKind, ...] = ("edit", "later", "queue")  # asks which, if there are more
CUSTOM_ID = (
    rf"draft:(?P<id>\d{{1,18}}):(?P<action>{'|'.join(get_args(ActionKind))})"
    r"(?::(?P<position>\d):(?P<fingerprint>[0-9a-f]{8}|))?"  # none: not as shown
)
REASONS: dict[ActionKind, RejectionReason] = {
    "untrue": RejectionReason.UNTRUE,
    "unlike": RejectionReason.UNLIKE,
    "dull": RejectionReason.DULL,
    "untimely": RejectionReason.UNTIMELY,
}
EMOJI: dict[ActionKind, str] = {
    "edit": "✏️",
    "again": "🔁",
    "wish": "💬",
    "later": "⏰",
    "queue": "➕",
    "reject": "❌",
    "back": "↩️",
}


@dataclass(frozen=True, slots=True)
class Action:
    """The action of a button, a reaction or a form.

    `fingerprint` is that of the text shown at `position`, which counts from 0.
    """

    kind: ActionKind
    position: int | None = None
    fingerprint: str = ""

    @classmethod
    def of(cls, found: re.Match[str]) -> "Action":
        """The action of a custom_id."""
        position = found["position"]
        kind = cast(ActionKind, found["action"])  # the pattern allows no other
        return cls(kind, int(position) if position else None, found["fingerprint"] or "")

    def custom_id(self, draft: Draft) -> str:
        """The custom_id with all that a button or a form needs to outlive the process."""
        where = "" if self.position is None else f":{self.position}:{self.fingerprint}"
        return f"draft:{draft.id}:{self.kind}{where}"


def keycap(position: int) -> str:
    """Emoji of a candidate: 1️⃣ for position 0."""
    return f"{position + 1}\ufe0f\u20e3"


def plain(emoji: str) -> str:
    """An emoji without its variation selector, which some clients leave out."""
    return emoji.replace("\ufe0f", "")


def action_of_emoji(emoji: str, draft: Draft) -> Action | None:
    """The action of a reaction below a draft, or None.

    It is about the texts as the message shows them.
    """
    for kind, known in EMOJI.items():
        if plain(emoji) == plain(known):
            is_clear = kind == "queue" and len(draft.candidates) == 1
            return Action(kind, 0, _fingerprint(draft, 0)) if is_clear else Action(kind)
    keycaps = re.fullmatch("([1-8])\u20e3", plain(emoji))
    if keycaps is None:
        return None
    position = int(keycaps[1]) - 1
    return Action("approve", position, _fingerprint(draft, position))


def _fingerprint(draft: Draft, position: int) -> str:
    """That of a text as the draft's message shows it; none if it has changed since."""
    is_as_shown = position < len(draft.candidates) and draft.shown == draft.fingerprint
    return draft.candidates[position].fingerprint if is_as_shown else ""


def emoji_of(draft: Draft) -> list[str]:
    """Emoji to put below a draft."""
    actions = (EMOJI[kind] for kind in EMOJI if kind != "back")
    return [*(keycap(i) for i in range(len(draft.candidates))), *actions]
