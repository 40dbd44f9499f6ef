"""Shared by the flags of several commands: numbers with limits, and the voice."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.config import DraftSettings


def whole(low: int, high: float, hint: str) -> Callable[[str], int]:
    """A flag's type: a whole number from `low` to `high`, or the sentence "`abc` is `hint`"."""

    def read(text: str) -> int:
        try:
            if low <= (value := int(text)) <= high:
                return value
        except ValueError:
            pass  # the same sentence says what is wanted
        raise argparse.ArgumentTypeError(f"{text or 'nothing'} is {hint}")

    return read


port = whole(0, 65535, "no port: give a whole number from 0 to 65535")
from_one = whole(1, math.inf, "too small, or no number: give a whole number from 1")


def add_voice(parser: argparse.ArgumentParser) -> None:
    """Add `--voice` and `--voices`, for `chosen`."""
    parser.add_argument(
        "--voice",
        metavar="NAME",
        help="voice that writes (default: the setting VOICE, or the only one there is)",
    )
    parser.add_argument(
        "--voices",
        type=Path,
        metavar="FOLDER",
        help="folder of the voices (default: the setting VOICES, or voices)",
    )


def chosen(args: argparse.Namespace) -> "DraftSettings":
    """The settings, with the voice that the command line names. Raises ConfigError."""
    from bot.config import DraftSettings, read_settings

    named = {"voices": args.voices, "voice": args.voice}
    updates = {name: value for name, value in named.items() if value}
    return read_settings(DraftSettings).model_copy(update=updates)
