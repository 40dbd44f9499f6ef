"""The floors that a voice must beat: writing like somebody without training."""

import random
from collections.abc import Sequence
from dataclasses import replace

from bot.voice import Prompt

EXAMPLES = 5
EXAMPLE_BYTES = 800  # all five: the engine has 512 tokens for prompt and post
# Without "of one or two sentences" two texts in three do not end in time.
ASK = "Write one short post, of one or two sentences, about: {topic}"
ASK_BY_NOTES = "Write one short post, of one or two sentences, that says just this: {topic}"


def base_prompt() -> Prompt:
    """The prompt that requests a post from a base model."""
    return Prompt("You write posts for a social network. Answer with the post only.", ASK)


def examples_prompt(posts: Sequence[str], seed: int) -> Prompt:
    """The same, with five of the author's posts as examples: random ones that fit."""
    shown = "\n\n".join(_some(posts, seed))
    return Prompt(
        "You write posts for a social network, in the voice of the author of these posts:"
        f"\n\n{shown}\n\nAnswer with the post only.",
        ASK,
    )


def notes_prompt(posts: Sequence[str], seed: int) -> Prompt:
    """The same for notes, which stand in the topic's place."""
    return replace(examples_prompt(posts, seed), user=ASK_BY_NOTES)


def _some(posts: Sequence[str], seed: int) -> list[str]:
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    count = min(EXAMPLES, len(posts))
    for _ in range(100):
        chosen = chance.sample(posts, count)
        if sum(len(post.encode()) for post in chosen) <= EXAMPLE_BYTES:
            return chosen
    shortest = sorted(posts, key=lambda post: len(post.encode()))[:count]
    return [post[: EXAMPLE_BYTES // count] for post in shortest]
