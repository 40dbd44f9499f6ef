"""A voice's owner and guests; and a folder that changes under a running bot."""

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import Refused, UserError
from bot.store import Store
from bot.voice import VoicePost, save_posts
from bot.writing.voices import Voices
from tests.stage import another_voice

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
OPERATOR, MARA, GUEST, STRANGER = 1, 2, 3, 4


@pytest.fixture
async def voices(voice_folder: Path, tmp_path: Path) -> AsyncIterator[Voices]:
    async with Store.open(tmp_path / "bot.db") as store:
        yield Voices(voice_folder.parent, store, frozenset({OPERATOR}))


async def test_a_voice_nobody_owns_is_the_operators(voices: Voices) -> None:
    assert await voices.names(OPERATOR) == ["mara"]
    assert await voices.names(STRANGER) == []
    with pytest.raises(UserError, match="nobody drafts in another person's voice"):
        await voices.of(STRANGER)


async def test_the_operator_says_whose_it_is_and_cannot_use_it_then(voices: Voices) -> None:
    assert await voices.grant(OPERATOR, MARA, "mara", NOW) == ("mara", "owner")
    assert (await voices.of(MARA)).voice.name == "mara"
    for name in (None, "mara"):
        with pytest.raises(UserError):
            await voices.of(OPERATOR, name)
    with pytest.raises(UserError, match="Only the owner"):
        await voices.grant(OPERATOR, OPERATOR, "mara", NOW)


async def test_its_owner_lets_guests_in_and_out(voices: Voices) -> None:
    await voices.grant(OPERATOR, MARA, None, NOW)
    assert await voices.grant(MARA, GUEST, None, NOW) == ("mara", "guest")
    await voices.check(GUEST, "mara")
    with pytest.raises(UserError, match="Only the owner"):
        await voices.grant(GUEST, STRANGER, None, NOW)
    with pytest.raises(UserError, match="already"):
        await voices.grant(MARA, GUEST, None, NOW)
    for other in (OPERATOR, STRANGER):
        with pytest.raises(UserError):
            await voices.revoke(other, GUEST, "mara")
    assert await voices.revoke(MARA, GUEST, None) == "mara"
    with pytest.raises(UserError):
        await voices.check(GUEST, "mara")


async def test_with_its_owner_the_guests_go(voices: Voices) -> None:
    await voices.grant(OPERATOR, MARA, None, NOW)
    await voices.grant(MARA, GUEST, None, NOW)
    with pytest.raises(UserError, match="Only the owner"):
        await voices.revoke(GUEST, MARA, None)
    await voices.revoke(OPERATOR, MARA, "mara")
    for user in (MARA, GUEST):
        with pytest.raises(UserError):
            await voices.check(user, "mara")
    assert await voices.names(OPERATOR) == ["mara"]


async def test_anybody_can_give_a_voice_up(voices: Voices) -> None:
    await voices.grant(OPERATOR, MARA, None, NOW)
    await voices.grant(MARA, GUEST, None, NOW)
    await voices.revoke(GUEST, GUEST, None)
    assert await voices.names(GUEST) == []
    with pytest.raises(UserError, match="anyway"):
        await voices.revoke(MARA, GUEST, None)


async def test_a_stranger_learns_nothing_of_a_voice(voices: Voices) -> None:
    answers = set()
    for name in ("mara", "nothing"):
        for ask in (
            voices.of(STRANGER, name),
            voices.about(STRANGER, name),
            voices.use(STRANGER, name),
            voices.grant(STRANGER, STRANGER, name, NOW),
            voices.revoke(STRANGER, MARA, name),
        ):
            with pytest.raises(UserError) as e:
                await ask
            answers.add(str(e.value).replace(name, "…"))
    assert len(answers) == 1


async def test_each_person_uses_the_voice_they_chose(voices: Voices, voice_folder: Path) -> None:
    another_voice(voice_folder, "odd")
    assert (await voices.of(OPERATOR)).voice.name == "mara"
    await voices.use(OPERATOR, "odd")
    assert (await voices.of(OPERATOR)).voice.name == "odd"
    await voices.grant(OPERATOR, MARA, "odd", NOW)
    assert (await voices.of(OPERATOR)).voice.name == "mara"
    assert (await voices.of(MARA)).voice.name == "odd"


async def test_voices_come_and_go_while_the_bot_runs(voices: Voices, voice_folder: Path) -> None:
    other = another_voice(voice_folder, "odd")
    assert (await voices.of(OPERATOR, "odd")).voice.name == "odd"
    shutil.rmtree(other)
    with pytest.raises(UserError):
        await voices.of(OPERATOR, "odd")


async def test_a_voice_that_was_trained_again_is_read_again(
    voices: Voices, voice_folder: Path
) -> None:
    first = await voices.of(OPERATOR)
    assert await voices.of(OPERATOR) is first
    save_posts(
        voice_folder,
        [VoicePost(None, "A new post about a lighthouse.", ("lighthouse",))],
    )
    os.utime(voice_folder / "voice.json", ns=(1, 1))
    assert list((await voices.of(OPERATOR)).topics) == ["lighthouse"]


@pytest.mark.parametrize("damage", ["{", "[]", '{"schema": 99}'])
async def test_a_damaged_voice_is_said_and_stops_no_other(
    voices: Voices, voice_folder: Path, damage: str
) -> None:
    other = another_voice(voice_folder, "odd")
    await voices.of(OPERATOR, "odd")
    (other / "voice.json").write_text(damage)
    for ask in (voices.of(OPERATOR, "odd"), voices.about(OPERATOR, "odd")):
        with pytest.raises(Refused, match="odd is damaged") as e:
            await ask
        assert str(other) not in str(e.value)
    assert (await voices.of(OPERATOR, "mara")).voice.name == "mara"


async def test_a_folder_under_another_name_is_not_taken_for_that_voice(
    voices: Voices, voice_folder: Path
) -> None:
    shutil.copytree(voice_folder, voice_folder.parent / "odd")
    with pytest.raises(Refused):
        await voices.of(OPERATOR, "odd")
