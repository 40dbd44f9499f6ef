"""Other people's posts: from an archive's retweets to hashes in the voice's folder."""

from pathlib import Path

import pytest

from bot.errors import VoiceError
from bot.voice.others import KEY_BYTES, OTHERS_FILE, Others
from bot.writing.composing import OpenVoice
from tests.fakes.x_archive import files, tweet, write_zip
from trainer.__main__ import main

THEIRS = "Nine otters in a row, and not one of them would say who had rung the bell tonight"
OWN = [tweet(n, f"The kettle said {n} things about fog and number {n * n}.") for n in range(60)]


def test_what_was_retweeted_is_known_again_but_not_kept(tmp_path: Path) -> None:
    retweets = [
        tweet(70, f"RT @otter: {THEIRS} https://t.co/abcdefghij"),
        tweet(71, "RT @otter: A second one that was cut by the service at its hundred and fortie…"),
    ]
    source = write_zip(tmp_path / "a.zip", files([*OWN, *retweets]))
    assert main(["prepare", str(source), "--out", str(tmp_path / "data")]) == 0
    file = tmp_path / "data" / OTHERS_FILE
    assert "otter" not in file.read_bytes().decode("latin-1")
    others = Others.load(tmp_path / "data")
    assert others.wrote(f"Quite: {THEIRS.lower()}!")
    assert others.wrote("that was cut by the service at its hundred and something")
    assert not others.wrote("The kettle said 3 things about fog and number 9, again")
    assert len(others) * KEY_BYTES == file.stat().st_size < 100
    again = ["prepare", str(source), "--out", str(tmp_path / "data")]
    assert main(again) == 0  # the file is one of its own, which may be replaced


def test_an_archive_without_others_leaves_no_file(tmp_path: Path) -> None:
    source = write_zip(tmp_path / "a.zip", files(OWN))
    assert main(["prepare", str(source), "--out", str(tmp_path / "data")]) == 0
    assert not (tmp_path / "data" / OTHERS_FILE).exists()
    assert len(Others.load(tmp_path / "data")) == 0


def test_a_voice_brings_its_others_along(voice_folder: Path) -> None:
    others = Others()
    others.add(THEIRS)
    others.save(voice_folder)
    assert OpenVoice.load(voice_folder).known_posts.others.wrote(THEIRS)


def test_a_damaged_file_is_said(voice_folder: Path) -> None:
    (voice_folder / OTHERS_FILE).write_bytes(b"odd")
    with pytest.raises(VoiceError, match="Train the voice again"):
        OpenVoice.load(voice_folder)


def test_hashes_stay_the_same_between_processes(tmp_path: Path) -> None:
    others = Others()
    others.add("one two three four five six seven eight")
    others.save(tmp_path)
    assert list((tmp_path / OTHERS_FILE).read_bytes()) == [118, 59, 63, 33]
