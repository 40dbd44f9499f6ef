"""Checks a person's clicks and forms (buttons, menus, modals) as Discord's client does.

Pure. Raises UserError with a sentence for the person.
"""

from collections.abc import Mapping

from bot.errors import UserError
from sandbox.objects import Json
from sandbox.rules import BUTTON, LABEL, ROW, SELECTS, TEXT_INPUT, walk

STRING_SELECT = 3
LONGEST_INPUT = 4000


def find_clickable(message: Json, custom_id: str) -> Json:
    """The button or menu with this custom_id, if it can be used."""
    clickable = {
        c["custom_id"]: c
        for _, c in walk(message["components"])
        if c.get("custom_id") and c["type"] in (BUTTON, *SELECTS)
    }
    component = clickable.get(custom_id)
    if component is None:
        there_are = ", ".join(clickable) or "none"
        raise UserError(f"This message has no button {custom_id!r}. There are: {there_are}.")
    if component.get("disabled"):
        raise UserError(f"The button {custom_id!r} is disabled.")
    return component


def click_data(component: Json, values: list[str] | None) -> Json:
    """The `data` of a component interaction."""
    data: Json = {
        "custom_id": component["custom_id"],
        "component_type": component["type"],
        "id": component["id"],
    }
    if component["type"] not in SELECTS:
        return data
    offered = {option["value"] for option in component.get("options") or []}
    for value in values or []:
        if component["type"] == STRING_SELECT and value not in offered:
            raise UserError(f"The menu {component['custom_id']!r} does not offer {value!r}.")
    return data | {"values": values or []}


def submission(modal: Json, fields: Mapping[str, str]) -> Json:
    """The `data` of a modal submit: every input with the typed text, or its previous one."""
    inputs = {
        c["custom_id"]: c for _, c in walk(modal["components"]) if c.get("type") == TEXT_INPUT
    }
    for custom_id in fields:
        if custom_id not in inputs:
            there_are = ", ".join(inputs)
            raise UserError(f"This form has no field {custom_id!r}. There are: {there_are}.")
    filled = {key: _typed(field, fields.get(key)) for key, field in inputs.items()}
    components = []
    for number, part in enumerate(modal["components"], 1):
        outer: Json = {"type": part["type"], "id": number}
        if part["type"] == ROW:
            outer["components"] = [_answer(inner, filled) for inner in part["components"]]
        elif part["type"] == LABEL:
            outer["component"] = _answer(part["component"], filled)
        components.append(outer)
    return {"custom_id": modal["custom_id"], "components": components}


def _answer(component: Json, filled: Mapping[str, str]) -> Json:
    custom_id = component["custom_id"]
    if custom_id not in filled:
        raise UserError(f"The sandbox cannot fill the field {custom_id!r} yet: it is no text.")
    return {"type": TEXT_INPUT, "id": 100, "custom_id": custom_id, "value": filled[custom_id]}


def _typed(field: Json, text: str | None) -> str:
    """The field's text when the form is sent, within the bot's limits for it."""
    value = text if text is not None else field.get("value") or ""
    name = field.get("label") or field["custom_id"]
    if not value and field.get("required", True):
        raise UserError(f"The field {name!r} must be filled in.")
    low, high = field.get("min_length") or 0, field.get("max_length") or LONGEST_INPUT
    if value and not low <= len(value) <= high:
        raise UserError(f"The field {name!r} takes {low} to {high} characters, not {len(value)}.")
    return value
