"""Shared by the flags of several commands: numbers with limits, the folder of voices."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

N = TypeVar("N", int, float)
Group = argparse._ActionsContainer  # argparse's base class of a parser and its groups


def number(kind: Callable[[str], N], low: float, high: float, hint: str) -> Callable[[str], N]:
    """A flag's type: a number from `low` to `high`, or else the sentence "`abc` is `hint`"."""

    def read(text: str) -> N:
        try:
            if low <= (value := kind(text)) <= high:
                return value
        except ValueError:
            pass  # the same sentence says what is wanted
        raise argparse.ArgumentTypeError(f"{text} is {hint}")

    return read


ABOVE_0, BELOW_1 = math.nextafter(0, 1), math.nextafter(1, 0)
WHOLE_NUMBER = number(int, 1, math.inf, "not a whole number from 1 on")
SEED = number(int, -(2**63), 2**63 - 1, "not a whole number of up to 18 digits")  # torch takes it
POSITIVE = number(float, ABOVE_0, 1e6, "not a number above 0, up to a million")


def add_voices(group: Group) -> None:
    """Add `--voices`, the folder of the voices."""
    group.add_argument(
        "--voices",
        type=Path,
        metavar="FOLDER",
        default=Path("voices"),
        help="folder of the voices (default: %(default)s)",
    )
