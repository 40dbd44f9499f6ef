"""Copied words are found, even with small changes around them."""

import pytest

from bot.voice.copies import Copies

POST = "one two three four five six seven eight nine ten eleven twelve"


@pytest.mark.parametrize(
    ("text", "is_copy", "run"),
    [
        (POST, True, 12),
        (POST.upper() + "!", True, 12),
        ("one two three four five six seven eight and a few new words", True, 8),
        ("one two three four five six seven eight" + " new words" * 6, False, 8),
        ("one two three four five six seven, other words", False, 0),
        ("Short post", True, 0),
        ("Short", False, 0),
    ],
)
def test_copies_are_found_by_runs_of_eight_words(text: str, is_copy: bool, run: int) -> None:
    copies = Copies([POST, "short post"])
    assert copies.is_near_copy(text) == is_copy
    assert copies.longest_run(text) == run
