"""The findings of an evaluation, before anybody says what to think of them."""

from dataclasses import dataclass

from trainer.judging.fidelity import Fidelity
from trainer.judging.from_notes import FromNotes
from trainer.judging.yardstick import Measured, Separability


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of an evaluation."""

    voice: Measured
    real: Measured  # `told`: one half of the held-out posts from the other
    past: (
        Separability  # the author's newest training posts from the held-out ones: how people drift
    )
    floors: dict[str, Measured]  # base, examples: those that could be measured
    topics: int  # drawn on; for some no text may have passed the screen
    bits: float | None  # a character of held-out posts
    bits_base: float | None
    bare: Fidelity | None = None  # of the voice's texts on bare topics
    notes: FromNotes | None = None  # of voices that know notes
    past_second: Separability | None = None  # as `past`, by the second judge
