"""Train and validation: by time, never at random, and without leaks from one to the other.

Pure. The newest posts validate, since a voice is to write tomorrow's posts. A thread of the
author's own stays on one side, and a training post that nearly copies one of validation leaves.
"""

from typing import Literal

Side = Literal["train", "validation", "left_out"]


def count_validation(posts: int, share: float) -> int:
    """How many of the newest posts validate: at least one of several posts, never all."""
    if share == 0 or posts < 2:
        return 0
    return min(max(round(posts * share), 1), posts - 1)


def leaving_side(train: int, validation: int) -> Side:
    """The part of a thread across the border that is left out: the smaller one."""
    return "validation" if validation < train else "train"
