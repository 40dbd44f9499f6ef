"""Every sentence a user may see stands in every catalogue, with the same values in it."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from discord import app_commands

from bot import language
from bot.chat.client import NAME_PLACES, Bot
from bot.errors import BotError, UserError
from bot.language import LOCALES, in_english, translate
from bot.sentences import say, say_n
from tests.stage import Stage

BOT = Path(__file__).parent.parent / "bot"
KEYWORDS = {
    "say": None,
    "say_n": (1, 2),
    "locale_str": None,
    **dict.fromkeys(("UserError", "Unavailable", "Refused", "NotSent", "NotConnected")),
}
CATALOGUES = sorted(LOCALES.glob("*.po"))


def _in_code() -> dict[Any, str]:
    """Every template in the code and where it stands; (one, many) for those with a plural."""
    map_ = [("sandbox/**", "ignore"), ("**.py", "python")]
    found = extract_from_dir(BOT, method_map=map_, keywords=KEYWORDS)
    return {m: f"{file}:{line}" for file, line, m, *_ in found}


def _catalogue(file: Path) -> Catalog:
    with file.open("rb") as po:
        return read_po(po, locale=file.stem)


def _fields(template: str) -> set[str]:
    return {name for _, name, *_ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda f: f.stem)
def test_every_sentence_is_in_the_catalogue(file: Path) -> None:
    catalogue = _catalogue(file)
    missing = [
        f"#: {where}\nmsgid {message!r}"
        for message, where in _in_code().items()
        if not (found := catalogue.get(message)) or not found.string
    ]
    assert not missing, "\n\n".join(missing)


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda f: f.stem)
def test_translations_have_the_values_of_the_sentence(file: Path) -> None:
    for message in _catalogue(file):
        if message.id:
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            for text in texts:
                assert _fields(str(text)) <= _fields(str(ids[-1])), message.id
            assert _fields(str(texts[-1])) == _fields(str(ids[-1])), message.id


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda f: f.stem)
def test_the_catalogue_holds_nothing_that_is_not_said(
    file: Path, commands: dict[tuple[str, str | None], None]
) -> None:
    said = {m[0] if isinstance(m, tuple) else m for m in _in_code()} | {t for t, _ in commands}
    ids = {m.id[0] if isinstance(m.id, tuple) else m.id for m in _catalogue(file) if m.id}
    assert ids - said == set()


class _Recorder(app_commands.Translator):
    """Notes what discord.py would have translated."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str | None], None] = {}

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: Any,  # discord's own
        context: app_commands.TranslationContextTypes,
    ) -> None:
        is_name = context.location in NAME_PLACES and not isinstance(
            context.data, app_commands.ContextMenu
        )
        self.texts[string.message, "name" if is_name else None] = None


@pytest.fixture
async def commands(stage: Stage, bot: Bot) -> dict[tuple[str, str | None], None]:
    """Names and descriptions of every command, option and choice."""
    recorder = _Recorder()
    for command in bot.tree.get_commands():
        await command.get_translated_payload(bot.tree, recorder)
    return recorder.texts


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda f: f.stem)
def test_every_command_is_in_the_catalogue(
    file: Path, commands: dict[tuple[str, str | None], None]
) -> None:
    catalogue = _catalogue(file)
    missing = [
        f"msgctxt {context!r}\nmsgid {text!r}" if context else f"msgid {text!r}"
        for text, context in commands
        if not (found := catalogue.get(text, context)) or not found.string
    ]
    assert not missing, "\n\n".join(missing)


def _raised() -> Iterator[tuple[str, ast.Call]]:
    kinds: list[type[BotError]] = [UserError, *BotError.__subclasses__()]
    names = {kind.__name__ for kind in kinds} - {"ConfigError", "VoiceError"}
    for file in BOT.rglob("*.py"):
        if "sandbox" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in {*names, "say", "say_n"}:
                assert isinstance(node, ast.Call)
                yield f"{file.relative_to(BOT)}:{node.lineno}", node


def test_no_sentence_is_put_together_before_it_is_told() -> None:
    built = [
        where
        for where, call in _raised()
        if not isinstance(call.args[0], ast.Constant | ast.Name | ast.Attribute | ast.IfExp)
    ]
    assert built == []


def test_sentences_are_told_in_the_language_of_the_listener() -> None:
    error = UserError("There is no draft {id}.", id=7)
    assert translate(error, "en-GB") == translate(error, "fr") == "There is no draft 7."
    nested = say("{days} at {time}", days=say("Every day"), time="09:00")
    assert "09:00" in translate(nested, "de")
    assert translate(say_n("{n} draft", "{n} drafts", n=2), "en") == "2 drafts"


def test_another_language_is_one_more_file(
    commands: dict[tuple[str, str | None], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A made-up catalogue: every sentence behind "Xx", and the three forms of Polish."""
    made_up = Catalog(locale="pl")
    for template in _in_code():
        one = template if isinstance(template, str) else template[1]
        made_up.add(template, f"Xx {one}" if template == one else [f"Xx{i} {one}" for i in "135"])
    for text, context in commands:
        made_up.add(text, f"xx-{text}" if context else f"Xx {text}", context=context)
    file = tmp_path / "pl.po"
    with file.open("wb") as po:
        write_po(po, made_up)
    monkeypatch.setattr(language, "LOCALES", tmp_path)
    language._catalogue.cache_clear()
    test_every_sentence_is_in_the_catalogue(file)
    test_translations_have_the_values_of_the_sentence(file)
    test_every_command_is_in_the_catalogue(file, commands)
    plain = next(t for t in _in_code() if isinstance(t, str) and not _fields(t))
    assert translate(UserError(plain), "pl") == f"Xx {plain}"
    several = [say_n("{n} draft", "{n} drafts", n=n) for n in (1, 2, 5)]
    made_up.add(("{n} draft", "{n} drafts"), ["Xx1 {n}", "Xx3 {n}", "Xx5 {n}"])
    with file.open("wb") as po:
        write_po(po, made_up)
    language._catalogue.cache_clear()
    assert [translate(words, "pl") for words in several] == ["Xx1 1", "Xx3 2", "Xx5 5"]
    assert language.translated("draft", "pl", "name") == "xx-draft"
    assert in_english("Xx Tomorrow Xx at 9 Xx o'clock") == "tomorrow at 9 o'clock"
    language._catalogue.cache_clear()


def test_names_of_commands_are_such_as_discord_takes() -> None:
    for file in CATALOGUES:
        names = [m for m in _catalogue(file) if m.context == "name"]
        assert names
        for message in names:
            text = str(message.string)
            assert re.fullmatch(r"[-_\w]{1,32}", text) and text == text.lower(), text
