"""Checks what a person types after the slash, as Discord's client does before it sends it.

Pure. Raises UserError with a sentence for the person; the bot never sees a refused command.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.errors import UserError
from sandbox import objects
from sandbox.objects import ALL_PERMISSIONS, Json

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, NUMBER = 1, 2, 3, 4, 5, 6, 10
MAX_TEXT = 6000
SAFE_INTEGER = 2**53

FindPerson = Callable[[str], Json]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A command, and the group and subcommand that lead to its options."""

    command: Json
    path: tuple[Json, ...] = ()

    @property
    def options(self) -> list[Json]:
        """The options a person can fill in."""
        return (self.path[-1] if self.path else self.command).get("options") or []

    @property
    def title(self) -> str:
        """The command as typed, e.g. `/daily set`."""
        return "/" + " ".join(part["name"] for part in (self.command, *self.path))

    def data(self, options: list[Json]) -> Json:
        """The `data` of an interaction: options nested under their subcommand."""
        for part in reversed(self.path):
            options = [{"name": part["name"], "type": part["type"], "options": options}]
        command = self.command
        data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
        return data | {"options": options} if options else data


def find_command(commands: list[Json], name: str, kind: int, *, in_dm: bool) -> Json:
    """A command that is offered in this place."""
    of_kind = [command for command in commands if command["type"] == kind]
    for command in of_kind:
        if command["name"] == name:
            if not is_offered(command, in_dm=in_dm):
                place = "a DM" if in_dm else "a channel of the guild"
                raise UserError(f"{name!r} is not offered in {place}: use it elsewhere.")
            return command
    known = ", ".join(command["name"] for command in of_kind)
    if not known:
        raise UserError(f"There is no command {name!r}: the bot has synced none yet. Wait for it.")
    raise UserError(f"There is no command {name!r}. The bot offers: {known}.")


def is_offered(command: Json, *, in_dm: bool) -> bool:
    """Whether the command can be used in a DM with the bot, or in the guild."""
    contexts = command.get("contexts")
    if contexts is None:
        return not in_dm or command.get("dm_permission") is not False
    return (1 if in_dm else 0) in contexts


def choose_command(
    commands: list[Json], typed: str, given: Mapping[str, object], *, in_dm: bool
) -> Chosen:
    """The command that `/draft`, `draft` or `daily set` names.

    If it has subcommands and none is named, the only one that can take the given options.
    """
    words = typed.strip().removeprefix("/").split()
    if not words:
        raise UserError("No command is named: say which, for example 'draft'.")
    chosen = Chosen(find_command(commands, words[0], CHAT_INPUT, in_dm=in_dm))
    for word in words[1:]:
        inside = next((part for part in _parts(chosen) if part["name"] == word), None)
        if inside is None:
            raise UserError(f"{chosen.title} has no subcommand {word!r}.{_subcommands(chosen)}")
        chosen = Chosen(chosen.command, (*chosen.path, inside))
    return _only_leaf(chosen, given) if _parts(chosen) else chosen


def leaves(chosen: Chosen) -> list[Chosen]:
    """All that can be called: the command itself, or each of its subcommands."""
    parts = _parts(chosen)
    if not parts:
        return [chosen]
    return [leaf for p in parts for leaf in leaves(Chosen(chosen.command, (*chosen.path, p)))]


def _parts(chosen: Chosen) -> list[Json]:
    return [option for option in chosen.options if option["type"] in (SUBCOMMAND, GROUP)]


def _subcommands(chosen: Chosen) -> str:
    return " There is: " + ", ".join(leaf.title for leaf in leaves(chosen)) + "."


def _only_leaf(chosen: Chosen, given: Mapping[str, object]) -> Chosen:
    knows = [
        leaf
        for leaf in leaves(chosen)
        if given.keys() <= {option["name"] for option in leaf.options}
    ]
    accepts = [
        leaf
        for leaf in knows
        if all(option["name"] in given for option in leaf.options if option.get("required"))
    ]
    for candidates in (accepts, knows):  # the second names better what is missing
        if len(candidates) == 1:
            return candidates[0]
    raise UserError(f"{chosen.title} needs a subcommand.{_subcommands(chosen)}")


def fill(chosen: Chosen, given: Mapping[str, object], find_person: FindPerson) -> Json:
    """The interaction's `data` for these options, each as Discord's client would send it."""
    _refuse_unknown(chosen, given)
    filled, resolved = [], Resolved()
    for option in chosen.options:
        name = option["name"]
        if given.get(name) in (None, ""):
            if option.get("required"):
                raise UserError(f"{chosen.title} needs the option {name!r}.")
            continue
        value = _value(option, given[name], find_person, resolved)
        filled.append({"name": name, "type": option["type"], "value": value})
    return chosen.data(filled) | resolved.data()


def fill_focused(chosen: Chosen, focused: str, value: str, given: Mapping[str, object]) -> Json:
    """The `data` of an autocomplete: options as far as they are typed, one of them in focus."""
    options = {option["name"]: option for option in chosen.options}
    _refuse_unknown(chosen, {focused: value, **given})
    if not options[focused].get("autocomplete"):
        raise UserError(f"{chosen.title} suggests nothing for the option {focused!r}.")
    partial = [
        {"name": name, "type": options[name]["type"], "value": so_far}
        for name, so_far in given.items()
        if name != focused
    ]
    in_focus = {"name": focused, "type": options[focused]["type"], "value": value, "focused": True}
    return chosen.data([*partial, in_focus])


def _refuse_unknown(chosen: Chosen, given: Mapping[str, object]) -> None:
    names = [option["name"] for option in chosen.options]
    for name in given:
        if name not in names:
            offered = f"Its options are: {', '.join(names)}." if names else "It takes none."
            raise UserError(f"{chosen.title} has no option {name!r}. {offered}")


class Resolved:
    """The users that options mention, in full."""

    def __init__(self) -> None:
        self._users: list[Json] = []

    def add(self, user: Json) -> None:
        """Mention a user."""
        self._users.append(user)

    def data(self) -> Json:
        """The `resolved` key, if anyone is mentioned."""
        if not self._users:
            return {}
        members = {u["id"]: objects.member(u, ALL_PERMISSIONS) for u in self._users}
        for resolved_member in members.values():
            del resolved_member["user"]  # stands in `users`
        return {"resolved": {"users": {u["id"]: u for u in self._users}, "members": members}}


def _value(option: Json, value: object, find_person: FindPerson, resolved: Resolved) -> object:
    name, kind = option["name"], option["type"]
    if option.get("choices"):
        return _choice(option, value)
    if kind == STRING:
        return _text(option, value)
    if kind in (INTEGER, NUMBER):
        return _number(option, value)
    if kind == BOOLEAN:
        if str(value).lower() not in ("true", "false"):
            raise UserError(f"The option {name!r} takes true or false, not {value!r}.")
        return str(value).lower() == "true"
    if kind == USER:
        person = find_person(str(value))
        resolved.add(person)
        return person["id"]
    raise UserError(f"The sandbox cannot fill the option {name!r} (type {kind}) yet.")


def _choice(option: Json, value: object) -> object:
    for choice in option["choices"]:
        if value == choice["value"] or str(value) in (choice["name"], str(choice["value"])):
            return choice["value"]
    names = ", ".join(choice["name"] for choice in option["choices"])
    raise UserError(f"The option {option['name']!r} takes one of: {names}; not {value!r}.")


def _text(option: Json, value: object) -> str:
    if not isinstance(value, str):
        raise UserError(f"The option {option['name']!r} takes text, not {value!r}.")
    low, high = option.get("min_length") or 0, option.get("max_length") or MAX_TEXT
    if not low <= len(value) <= high:
        raise UserError(
            f"The option {option['name']!r} takes {low} to {high} characters, not {len(value)}."
        )
    return value


def _number(option: Json, value: object) -> float:
    """An integer or a number, typed as such or as text, in the option's range."""
    is_whole = option["type"] == INTEGER
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = int(value) if is_whole and isinstance(value, str) else float(value)
        if is_whole and number != int(number):
            raise ValueError
    except (ValueError, OverflowError):  # infinity is no integer
        wanted = "a whole number" if is_whole else "a number"
        raise UserError(f"The option {option['name']!r} takes {wanted}, not {value!r}.") from None
    low = option.get("min_value", -SAFE_INTEGER)
    high = option.get("max_value", SAFE_INTEGER)
    if not low <= number <= high:
        raise UserError(f"The option {option['name']!r} takes {low} to {high}, not {value}.")
    return int(number) if is_whole else number
