"""What Discord refuses and its OpenAPI file does not say; what its client refuses to send."""

import pytest

from bot.errors import UserError
from sandbox import commands, forms, rules
from sandbox.objects import Json
from sandbox.rules import DiscordError


def row(*components: Json) -> Json:
    return {"type": 1, "components": list(components)}


def button(custom_id: str | None = "a", **more: object) -> Json:
    made: Json = {"type": 2, "style": 1, "label": "Go", **more}
    return made if custom_id is None else {**made, "custom_id": custom_id}


def command(**more: object) -> Json:
    return {"name": "draft", "description": "Write", "type": 1, **more}


def option(name: str, kind: int = 3, **more: object) -> Json:
    return {"name": name, "description": "d", "type": kind, **more}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        pytest.param({"content": "x" * 2001}, "content", id="2001 characters"),
        pytest.param({"embeds": [{"description": "x" * 4000}] * 2}, "embeds", id="6000 in embeds"),
        pytest.param({"embeds": [{"title": "x"}] * 11}, "embeds", id="11 embeds"),
        pytest.param({"components": [row(button(None))]}, "custom_id", id="no custom_id"),
        pytest.param({"components": [row(button("x" * 101))]}, "custom_id", id="custom_id 101"),
        pytest.param({"components": [row(button(), button())]}, "custom_id", id="same custom_id"),
        pytest.param({"components": [row(button(label="x" * 81))]}, "label", id="label 81"),
        pytest.param({"components": [row(button(label=""))]}, "components", id="nothing on it"),
        pytest.param({"components": [row(button(None, style=5))]}, "url", id="link without url"),
        pytest.param(
            {"components": [row(button(f"b{n}")) for n in range(6)]}, "components", id="6 rows"
        ),
        pytest.param(
            {"components": [row(*(button(f"b{n}") for n in range(6)))]}, "components", id="6 a row"
        ),
        pytest.param({"components": [button()]}, "type", id="button outside a row"),
        pytest.param({"content": "x", "flags": 1 << 15, "components": [row(button())]}, "content"),
    ],
)
def test_a_message_that_discord_refuses_names_the_field(body: Json, where: str) -> None:
    with pytest.raises(DiscordError) as refused:
        rules.check_message(body)
    assert refused.value.code == 50035
    assert where in str(refused.value.errors)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"content": "x" * 2000}, id="2000 characters"),
        pytest.param({"embeds": [{"description": "x" * 3000}] * 2}, id="6000 in embeds"),
        pytest.param(
            {"components": [row(*(button(f"{r}{n}") for n in range(5))) for r in range(5)]},
            id="25 buttons",
        ),
        pytest.param(
            {"components": [row(button(None, style=5, url="https://a.example"))]}, id="link"
        ),
    ],
)
def test_a_message_at_the_limits_is_taken(body: Json) -> None:
    rules.check_message(body)


def test_an_empty_message_is_50006() -> None:
    with pytest.raises(DiscordError) as refused:
        rules.check_message({"content": "", "embeds": []})
    assert refused.value.code == 50006


@pytest.mark.parametrize(
    ("synced", "reason"),
    [
        pytest.param([command(name="Draft")], "INVALID_NAME", id="uppercase"),
        pytest.param([command(name="two words")], "INVALID_NAME", id="a space"),
        pytest.param([command(description="")], "REQUIRED", id="no description"),
        pytest.param([command(description="x" * 101)], "BAD_LENGTH", id="description 101"),
        pytest.param([command(), command()], "DUPLICATE_NAME", id="same name"),
        pytest.param(
            [command(options=[option("a"), option("b", required=True)])],
            "REQUIRED_INVALID",
            id="required after optional",
        ),
        pytest.param(
            [command(options=[option("a"), option("a")])], "ALREADY_EXISTS", id="same option"
        ),
        pytest.param([command(options=[option("a", 1), option("b")])], "TYPE_INVALID", id="mixed"),
        pytest.param(
            [command(name_localizations={"en": "draft"})], "BASE_TYPE_CHOICES", id="bad locale"
        ),
        pytest.param(
            [{"name": "Look", "type": 3, "description": "no"}], "DESCRIPTION_INVALID", id="menu"
        ),
    ],
)
def test_a_command_that_discord_refuses_says_why(synced: list[Json], reason: str) -> None:
    with pytest.raises(DiscordError) as refused:
        rules.check_commands(synced)
    assert reason in str(refused.value.errors)


DRAFT = command(
    id="1",
    options=[
        option("topic", required=True, max_length=10),
        option("count", 4, min_value=1, max_value=4),
        option("tone", choices=[{"name": "Dry", "value": "dry"}]),
        option("who", 6),
        option("loud", 5),
    ],
)
DAILY = command(
    id="2",
    name="daily",
    options=[
        option("set", 1, options=[option("time", required=True), option("timezone")]),
        option("off", 1),
    ],
)
MENU: Json = {"id": "3", "name": "Look", "type": 3, "description": ""}
OFFERED = [DRAFT, DAILY, MENU]


def filled(typed: str, **given: object) -> Json:
    chosen = commands.choose_command(OFFERED, typed, given, in_dm=False)
    return commands.fill(chosen, given, lambda who: {"id": "9", "username": who})


@pytest.mark.parametrize(
    ("typed", "given", "sentence"),
    [
        pytest.param("drat", {}, "There is no command 'drat'", id="unknown command"),
        pytest.param("Look", {}, "There is no command 'Look'", id="a menu is not typed"),
        pytest.param("draft", {}, "needs the option 'topic'", id="missing"),
        pytest.param("draft", {"topic": ""}, "needs the option 'topic'", id="empty"),
        pytest.param("draft", {"topic": 5}, "takes text", id="no text"),
        pytest.param("draft", {"topic": "x" * 11}, "0 to 10 characters", id="too long"),
        pytest.param(
            "draft", {"topic": "tea", "colour": "red"}, "no option 'colour'", id="unknown"
        ),
        pytest.param("draft", {"topic": "tea", "count": 5}, "takes 1 to 4, not 5", id="range"),
        pytest.param("draft", {"topic": "tea", "count": "four"}, "a whole number", id="word"),
        pytest.param("draft", {"topic": "tea", "count": 1.5}, "a whole number", id="half"),
        pytest.param("draft", {"topic": "tea", "count": True}, "a whole number", id="boolean"),
        pytest.param("draft", {"topic": "tea", "tone": "wet"}, "takes one of: Dry", id="choice"),
        pytest.param("draft", {"topic": "tea", "loud": "very"}, "true or false", id="flag"),
        pytest.param("daily on", {}, "There is: /daily set, /daily off", id="unknown subcommand"),
        pytest.param("daily", {"timezone": "UTC"}, "needs the option 'time'", id="incomplete"),
    ],
)
def test_what_discords_client_would_not_send_is_refused(
    typed: str, given: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        filled(typed, **given)


def test_options_are_sent_as_discord_types_them() -> None:
    data = filled("/draft", topic="tea", count="3", tone="Dry", who="bob", loud="true")
    values = {o["name"]: (o["type"], o["value"]) for o in data["options"]}
    assert values == {
        "topic": (3, "tea"),
        "count": (4, 3),
        "tone": (3, "dry"),
        "who": (6, "9"),
        "loud": (5, True),
    }
    assert data["resolved"]["users"]["9"]["username"] == "bob"
    assert "user" not in data["resolved"]["members"]["9"]


@pytest.mark.parametrize(
    ("typed", "given", "name"),
    [
        ("daily", {"time": "8:00"}, "set"),
        ("daily set", {"time": "8:00"}, "set"),
        ("daily", {}, "off"),
    ],
)
def test_the_only_subcommand_that_fits_is_taken(
    typed: str, given: dict[str, object], name: str
) -> None:
    [sub] = filled(typed, **given)["options"]
    assert (sub["type"], sub["name"]) == (1, name)


def test_a_command_is_offered_only_in_its_contexts() -> None:
    guild_only = [command(id="1", contexts=[0])]
    with pytest.raises(UserError, match="not offered in a DM"):
        commands.choose_command(guild_only, "draft", {}, in_dm=True)
    assert commands.choose_command(guild_only, "draft", {}, in_dm=False).command["id"] == "1"


@pytest.mark.parametrize(
    ("custom_id", "sentence"),
    [("gone", "has no button 'gone'"), ("old", "is disabled")],
)
def test_only_a_button_that_is_there_and_enabled_can_be_clicked(
    custom_id: str, sentence: str
) -> None:
    message = {"components": [row(button("new"), button("old", disabled=True))]}
    with pytest.raises(UserError, match=sentence):
        forms.find_clickable(message, custom_id)
    assert forms.find_clickable(message, "new")["custom_id"] == "new"


MODAL: Json = {
    "custom_id": "m",
    "title": "Edit",
    "components": [
        {
            "type": 18,
            "label": "Text",
            "component": {"type": 4, "custom_id": "text", "style": 2, "value": "as it was"},
        },
        row({"type": 4, "custom_id": "why", "style": 1, "label": "Why", "required": False}),
    ],
}


def test_a_form_is_sent_with_what_stood_in_it() -> None:
    first, second = forms.submission(MODAL, {"why": "shorter"})["components"]
    assert first["component"]["value"] == "as it was"
    assert second["components"][0]["value"] == "shorter"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [({"text": ""}, "must be filled in"), ({"nothing": "x"}, "no field 'nothing'")],
)
def test_a_form_filled_in_wrongly_is_not_sent(fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        forms.submission(MODAL, fields)


def test_a_modal_with_a_long_title_is_refused() -> None:
    with pytest.raises(DiscordError):
        rules.check_modal(MODAL | {"title": "x" * 46})
    rules.check_modal(MODAL)
