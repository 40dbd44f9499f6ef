"""Discord's refusals, in its own error codes: the rules that its OpenAPI file does not express.

Pure: looks at the bot's request, raises DiscordError, changes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from sandbox.objects import Json

MAX_CONTENT = 2000
MAX_EMBEDS = 10
MAX_EMBED_TOTAL = 6000
MAX_ROWS = 5
COMPONENTS_V2 = 1 << 15

INVALID_FORM = 50035
EMPTY_MESSAGE = 50006

ROW, BUTTON, TEXT_INPUT, LABEL = 1, 2, 4, 18
SELECTS = (3, 5, 6, 7, 8)
LINK, PREMIUM = 5, 6

COMMAND_NAME = re.compile(r"[-_'\w]{1,32}")
# fmt: off
DISCORD_LOCALES = frozenset((
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu",
    "nl", "no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg",
    "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
))
# fmt: on


class DiscordError(Exception):
    """Discord says no: the answer to the bot's request."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    @property
    def body(self) -> Json:
        """The JSON of the answer."""
        body: Json = {"message": self.message, "code": self.code}
        return body | {"errors": self.errors} if self.errors else body


class FormErrors:
    """Collects the faults of a body, field by field, as error 50035 lists them."""

    def __init__(self) -> None:
        self.errors: Json = {}

    def wrong(self, path: str, code: str, message: str) -> None:
        """Note an error at a dotted path such as `components.0.components.1.custom_id`."""
        node = self.errors
        for key in path.split("."):
            node = node.setdefault(key, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: str, text: object, low: int, high: int) -> None:
        """A text must have between `low` and `high` characters."""
        if not isinstance(text, str) or not text:
            if low:
                self.wrong(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif len(text) > high:
            must = f"between {low} and {high}" if low else f"{high} or fewer"
            code = "BASE_TYPE_BAD_LENGTH" if low else "BASE_TYPE_MAX_LENGTH"
            self.wrong(path, code, f"Must be {must} in length.")

    def count(self, path: str, items: list[Json], low: int, high: int) -> None:
        """A list must have between `low` and `high` items."""
        if not low <= len(items) <= high:
            message = f"Must be between {low} and {high} in length."
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", message)

    def done(self) -> None:
        """Raise the collected faults, if any."""
        if self.errors:
            raise DiscordError(400, INVALID_FORM, "Invalid Form Body", self.errors)


def refuse(path: str, code: str, message: str) -> DiscordError:
    """Error 50035 about a single field."""
    form = FormErrors()
    form.wrong(path, code, message)
    return DiscordError(400, INVALID_FORM, "Invalid Form Body", form.errors)


def check_message(body: Json, *, has_files: bool = False) -> None:
    """Check a message that is to be sent, or as it would be after an edit."""
    if not has_files and not any(body.get(key) for key in _WHAT_A_MESSAGE_CAN_HOLD):
        raise DiscordError(400, EMPTY_MESSAGE, "Cannot send an empty message")
    form = FormErrors()
    form.length("content", body.get("content"), 0, MAX_CONTENT)
    _check_embeds(form, body.get("embeds") or [])
    if (body.get("flags") or 0) & COMPONENTS_V2:
        for key in ("content", "embeds", "poll"):
            if body.get(key):
                form.wrong(key, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", _V2_ONLY)
    else:
        _check_rows(form, body.get("components") or [])
    _check_custom_ids(form, body.get("components") or [])
    form.done()


_WHAT_A_MESSAGE_CAN_HOLD = (
    "content",
    "embeds",
    "components",
    "attachments",
    "sticker_ids",
    "poll",
    "message_reference",
)
_V2_ONLY = "Not allowed together with the IS_COMPONENTS_V2 flag"


def _check_embeds(form: FormErrors, embeds: list[Json]) -> None:
    form.count("embeds", embeds, 0, MAX_EMBEDS)
    total = 0
    for i, embed in enumerate(embeds):
        for path, text, high in _embed_texts(embed):
            form.length(f"embeds.{i}.{path}", text, 0, high)
            total += len(text)
        fields = embed.get("fields") or []
        form.count(f"embeds.{i}.fields", fields, 0, 25)
        for j, field in enumerate(fields):
            for key in ("name", "value"):
                if not (field.get(key) or "").strip():
                    where = f"embeds.{i}.fields.{j}.{key}"
                    form.wrong(where, "BASE_TYPE_REQUIRED", "This field is required")
    if total > MAX_EMBED_TOTAL:
        message = f"Embed size exceeds maximum size of {MAX_EMBED_TOTAL}"
        form.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", message)


def _embed_texts(embed: Json) -> Iterator[tuple[str, str, int]]:
    """Path, text and limit of all that counts towards an embed's size."""
    yield "title", embed.get("title") or "", 256
    yield "description", embed.get("description") or "", 4096
    yield "footer.text", (embed.get("footer") or {}).get("text") or "", 2048
    yield "author.name", (embed.get("author") or {}).get("name") or "", 256
    for i, field in enumerate(embed.get("fields") or []):
        yield f"fields.{i}.name", field.get("name") or "", 256
        yield f"fields.{i}.value", field.get("value") or "", 1024


def _check_rows(form: FormErrors, rows: list[Json]) -> None:
    form.count("components", rows, 0, MAX_ROWS)
    for i, row in enumerate(rows):
        if row.get("type") != ROW:
            form.wrong(f"components.{i}.type", "UNION_TYPE_CHOICES", "Value of field must be 1.")
            continue
        children = row.get("components") or []
        form.count(f"components.{i}.components", children, 1, 5)
        for j, child in enumerate(children):
            where = f"components.{i}.components.{j}"
            if child.get("type") == BUTTON:
                _check_button(form, where, child)
            elif child.get("type") in SELECTS:
                form.length(f"{where}.custom_id", child.get("custom_id"), 1, 100)
                if len(children) > 1:
                    message = "A select menu needs a row of its own"
                    form.wrong(where, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)


def _check_button(form: FormErrors, where: str, button: Json) -> None:
    style = button.get("style")
    if style == PREMIUM:
        return
    form.length(f"{where}.label", button.get("label"), 0, 80)
    if not button.get("label") and not button.get("emoji"):
        message = "A button needs a label or an emoji"
        form.wrong(where, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", message)
    if style == LINK:
        if not button.get("url"):
            form.wrong(f"{where}.url", "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
        if button.get("custom_id"):
            message = "A custom id and url cannot both be specified"
            form.wrong(where, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message)
    elif not button.get("custom_id"):
        message = "A custom id is required"
        form.wrong(f"{where}.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", message)
    else:
        form.length(f"{where}.custom_id", button["custom_id"], 1, 100)


def _check_custom_ids(form: FormErrors, components: list[Json]) -> None:
    seen: set[str] = set()
    for path, component in walk(components):
        custom_id = component.get("custom_id")
        if custom_id and custom_id in seen:
            message = "Component custom id cannot be duplicated"
            form.wrong(f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        seen.add(custom_id or "")


def walk(components: list[Json], path: str = "components") -> Iterator[tuple[str, Json]]:
    """Every component with its dotted path, rows and labels before their contents."""
    for i, component in enumerate(components):
        here = f"{path}.{i}"
        yield here, component
        yield from walk(component.get("components") or [], f"{here}.components")
        for key in ("component", "accessory"):
            if component.get(key):
                yield from walk([component[key]], f"{here}.{key}")


def check_modal(modal: Json) -> None:
    """Check a modal that a button or a command opens."""
    form = FormErrors()
    form.length("data.title", modal.get("title"), 1, 45)
    form.length("data.custom_id", modal.get("custom_id"), 1, 100)
    components = modal.get("components") or []
    form.count("data.components", components, 1, 5)
    for path, component in walk(components, "data.components"):
        if component.get("type") == LABEL:
            form.length(f"{path}.label", component.get("label"), 1, 45)
            form.length(f"{path}.description", component.get("description"), 0, 100)
        elif component.get("type") == TEXT_INPUT:
            form.length(f"{path}.custom_id", component.get("custom_id"), 1, 100)
            form.length(f"{path}.placeholder", component.get("placeholder"), 0, 100)
            form.length(f"{path}.value", component.get("value"), 0, 4000)
    _check_custom_ids(form, components)
    form.done()


def check_choices(choices: list[Json]) -> None:
    """Check the suggestions of an autocomplete."""
    form = FormErrors()
    form.count("data.choices", choices, 0, 25)
    for i, choice in enumerate(choices):
        form.length(f"data.choices.{i}.name", choice.get("name"), 1, 100)
        if isinstance(choice.get("value"), str):
            form.length(f"data.choices.{i}.value", choice["value"], 1, 100)
    form.done()


def check_commands(commands: list[Json]) -> None:
    """Check the whole list of an application's commands, as a bulk overwrite sends it."""
    form = FormErrors()
    chat_input = [c for c in commands if c.get("type", 1) == 1]
    if len(chat_input) > 100:
        raise DiscordError(400, 30032, "Maximum number of application commands reached (100)")
    for i, name in _repeated((c.get("type", 1), c.get("name")) for c in commands):
        message = f"Application command names must be unique: {name[1]}"
        form.wrong(f"{i}", "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
    for i, command in enumerate(commands):
        _check_locales(form, f"{i}", command)
        if command.get("type", 1) == 1:
            _check_named(form, f"{i}", command)
            _check_options(form, f"{i}.options", command.get("options") or [])
        else:
            form.length(f"{i}.name", command.get("name"), 1, 32)
            if command.get("description"):
                message = "Context menu commands cannot have a description"
                form.wrong(f"{i}.description", "APPLICATION_COMMAND_DESCRIPTION_INVALID", message)
    form.done()


def _check_named(form: FormErrors, where: str, thing: Json) -> None:
    name = thing.get("name") or ""
    if not COMMAND_NAME.fullmatch(name) or name != name.lower():
        form.wrong(f"{where}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    form.length(f"{where}.description", thing.get("description"), 1, 100)


def _check_locales(form: FormErrors, where: str, thing: Json) -> None:
    for key in ("name_localizations", "description_localizations"):
        for locale in thing.get(key) or {}:
            if locale not in DISCORD_LOCALES:
                message = f"Value must be one of {sorted(DISCORD_LOCALES)}."
                form.wrong(f"{where}.{key}.{locale}", "BASE_TYPE_CHOICES", message)


def _check_options(form: FormErrors, where: str, options: list[Json]) -> None:
    form.count(where, options, 0, 25)
    for i, name in _repeated(option.get("name") for option in options):
        message = f"Option name already exists: {name}"
        form.wrong(f"{where}.{i}", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", message)
    if len({option.get("type") in (1, 2) for option in options}) > 1:
        message = "Sub-command and sub-command group option types are mutually exclusive to others"
        form.wrong(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
    optional_seen = False
    for i, option in enumerate(options):
        here = f"{where}.{i}"
        _check_named(form, here, option)
        _check_locales(form, here, option)
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            form.wrong(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen |= not option.get("required")
        form.count(f"{here}.choices", option.get("choices") or [], 0, 25)
        _check_options(form, f"{here}.options", option.get("options") or [])


def _repeated(values: Iterable[object]) -> list[tuple[int, tuple[object, ...]]]:
    """Index and value of every repetition in the list."""
    seen: Counter[object] = Counter()
    again = []
    for i, value in enumerate(values):
        if seen[value]:
            again.append((i, value if isinstance(value, tuple) else (value,)))
        seen[value] += 1
    return again
