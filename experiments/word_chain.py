"""The floor below all floors: the classic bot, a chain of words that two words decide on."""

import random
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import markovify

from bot.voice import HELD_OUT_FILE, load_posts
from trainer.judging.evaluate import choose
from trainer.judging.yardstick import Yardstick


def word_chain(posts: Sequence[str], count: int, seed: int) -> list[str]:
    """Texts by markovify with its defaults; the same seed gives the same texts."""
    words = [re.split(r" +", post.strip()) for post in posts]  # line breaks stay
    chain = markovify.Text(None, state_size=2, parsed_sentences=words)
    state = random.getstate()
    random.seed(seed)  # markovify draws from the one generator of the standard library
    try:
        return [
            chain.make_sentence(tries=50) or chain.make_sentence(test_output=False)
            for _ in range(count)
        ]
    finally:
        random.setstate(state)


def measured(voice: Path, drafts: int, seed: int = 0) -> dict[str, Any]:
    """The measures of `evaluate`, on word chains of the posts that a voice learnt from."""
    learnt = [post.text for post in load_posts(voice)]
    real = choose(load_posts(voice, HELD_OUT_FILE), drafts, seed)
    yardstick = Yardstick(learnt, [post.text for post in real], seed)
    texts = word_chain(learnt, len(real), seed)
    return asdict(yardstick.measure(texts, [post.topic for post in real]))
