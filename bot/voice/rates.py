"""Figures of a voice's reception: guesses in blind tests, decisions on its drafts. Pure.

The bot shows them and the trainer reports them. Both compute them here, and read the bot's database
by the same SQL.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from bot.sentences import Words, say, say_n

Z = 1.96  # standard deviations that hold 95% of a normal distribution
TOO_WIDE = 0.3  # such an interval says nothing about a share near one half: fewer than 40 guesses

Meaning = Literal["few", "guessing", "told apart", "mistaken"]
MEANINGS: dict[Meaning, Words] = {
    "few": say("too few guesses to say more"),
    "guessing": say("no better than guessing"),
    "told apart": say("its drafts can be told from real posts"),
    "mistaken": say("its drafts are taken for the real posts"),
}
REASON_WORDS: dict[str, Words] = {  # why a draft was rejected, as it is stored
    "untrue": say("not true"),
    "unlike": say("not me"),
    "dull": say("dull"),
    "untimely": say("wrong moment"),
}
APPROVED = ("scheduled", "publishing", "unknown", "published")  # states of a draft
# SQL on a row of `drafts`, and on rows of `trials`
IS_SHOWN = (  # a draft that nobody saw was not ignored; one approval for two networks counts once
    "(state != 'expired' OR shown NOT NULL) AND twin_of IS NULL"
)
DECIDED_AT = (  # NULL while it is open
    "(SELECT max(decided_at) FROM decisions WHERE draft_id = drafts.id"
    " AND action IN ('approve', 'later', 'reject', 'again', 'expire'))"
)
COUNTS = (  # the fields of `Guesses`
    "count(*) FILTER (WHERE guess = real_position) AS right,"
    " count(*) FILTER (WHERE guess = 3 - real_position) AS wrong,"
    " count(*) FILTER (WHERE guess = 0) AS unsure"
)


def interval(hits: float, count: int) -> tuple[float, float]:
    """The true share's range at 95% confidence: Wilson's score interval.

    https://doi.org/10.1080/01621459.1927.10502953. Raises ValueError if there is no count.
    """
    if count < 1:
        raise ValueError("nothing was counted")
    share, spread = hits / count, Z * Z / count
    middle = (share + spread / 2) / (1 + spread)
    margin = Z / (1 + spread) * sqrt(share * (1 - share) / count + spread / count / 4)
    return max(0.0, middle - margin), min(1.0, middle + margin)


@dataclass(frozen=True, slots=True)
class Guesses:
    """Answers to “which one is real?”; “I cannot tell” counts as the toss of a coin."""

    right: int = 0
    wrong: int = 0
    unsure: int = 0

    def __add__(self, other: "Guesses") -> "Guesses":
        """Both together."""
        return Guesses(
            self.right + other.right, self.wrong + other.wrong, self.unsure + other.unsure
        )

    @property
    def count(self) -> int:
        """How many answers there are."""
        return self.right + self.wrong + self.unsure

    @property
    def share(self) -> float:
        """Share of right guesses, 0..1; one half is guessing. Needs a guess."""
        return (self.right + self.unsure / 2) / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The true share's range at 95% confidence."""
        return interval(self.right + self.unsure / 2, self.count)

    @property
    def meaning(self) -> Meaning:
        """The conclusion that these guesses allow."""
        low, high = self.interval
        if low > 0.5:
            return "told apart"
        if high < 0.5:
            return "mistaken"
        return "few" if high - low > TOO_WIDE else "guessing"

    def words(self) -> Words:
        """The share in plain words. Needs a guess."""
        low, high = self.interval
        return say(
            "{right}{unsure}: {share}. 50% is guessing, and the true share is likely between {low}"
            " and {high}: {meaning}.",
            right=say_n(
                "{right} of {n} guess was right",
                "{right} of {n} guesses were right",
                n=self.count,
                right=self.right,
            ),
            unsure=say(", {unsure} × “I cannot tell” counting half", unsure=self.unsure)
            if self.unsure
            else "",
            share=f"{self.share:.0%}",
            low=f"{low:.0%}",
            high=f"{high:.0%}",
            meaning=MEANINGS[self.meaning],
        )


@dataclass(frozen=True, slots=True)
class Approvals:
    """Counts of what became of decided drafts; an edited one is approved, too."""

    approved: int = 0
    edited: int = 0  # of the approved
    rejected: int = 0
    again: int = 0  # the owner wanted others
    ignored: int = 0  # they expired
    undone: int = 0  # posted, and deleted again

    @classmethod
    def counted(cls, drafts: Iterable[tuple[str, bool, int]]) -> "Approvals":
        """Count rows of a draft's state, whether the text was edited, and how many.

        Both the bot's store and the trainer's reader give such rows; open drafts count nowhere.
        """
        states, edited = Counter[str](), 0
        for state, is_edited, count in drafts:
            states[state] += count
            edited += count if is_edited and state in APPROVED else 0
        return cls(
            approved=sum(states[state] for state in APPROVED),
            edited=edited,
            rejected=states["rejected"],
            again=states["replaced"],
            ignored=states["expired"],
            undone=states["undone"],
        )

    @property
    def decided(self) -> int:
        """How many are decided."""
        return self.approved + self.rejected + self.again + self.ignored + self.undone

    @property
    def approval_rate(self) -> float:
        """Share of the decided drafts that were approved, 0..1. Needs one."""
        return self.approved / self.decided

    @property
    def edit_rate(self) -> float:
        """Share of the approved drafts that were edited first, 0..1. Needs one."""
        return self.edited / self.approved
