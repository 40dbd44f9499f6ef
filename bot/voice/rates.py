"""How people take to a voice: guesses in blind tests, and decisions on its drafts. Pure.

The bot shows these figures and the trainer reports them; both reckon here, and both read the bot's
database by the same SQL.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from bot.sentences import Words, say, say_n

Z = 1.96  # standard deviations that hold 95% of a normal distribution
TOO_WIDE = 0.3  # an interval that says nothing of a share around one half: fewer than 40 guesses

Meaning = Literal["few", "guessing", "told apart", "mistaken"]
MEANINGS: dict[Meaning, Words] = {
    "few": say("too few guesses to say more"),
    "guessing": say("no better than guessing"),
    "told apart": say("its drafts can be told from real posts"),
    "mistaken": say("its drafts are taken for the real posts"),
}
APPROVED = ("scheduled", "publishing", "unknown", "published")  # states of a draft
# SQL on a row of `drafts`, and on rows of `trials`
IS_SHOWN = "(state != 'expired' OR shown NOT NULL)"  # nobody ignored what nobody was shown
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
    """Where the true share lies with 95% confidence: Wilson's score interval.

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
    """Answers to “which one is real?”; who cannot tell is taken to toss a coin."""

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
        """How often somebody answered."""
        return self.right + self.wrong + self.unsure

    @property
    def share(self) -> float:
        """Share of right guesses, 0..1; one half is guessing. Not of no guesses."""
        return (self.right + self.unsure / 2) / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share lies with 95% confidence."""
        return interval(self.right + self.unsure / 2, self.count)

    @property
    def meaning(self) -> Meaning:
        """What may be concluded from so many guesses."""
        low, high = self.interval
        if low > 0.5:
            return "told apart"
        if high < 0.5:
            return "mistaken"
        return "few" if high - low > TOO_WIDE else "guessing"

    def words(self) -> Words:
        """The share in plain words. Not of no guesses."""
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
    """What became of drafts that are decided on; an edited one is approved, too."""

    approved: int = 0
    edited: int = 0  # of the approved
    rejected: int = 0
    again: int = 0  # others were asked for
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
        """How many there are."""
        return self.approved + self.rejected + self.again + self.ignored + self.undone

    @property
    def approval_rate(self) -> float:
        """Share of the decided drafts that were approved, 0..1. Not of none."""
        return self.approved / self.decided

    @property
    def edit_rate(self) -> float:
        """Share of the approved drafts that were edited first, 0..1. Not of none."""
        return self.edited / self.approved
