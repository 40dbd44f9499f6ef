"""Settings, read once from the environment and `.env`; one error names all faults.

`DraftSettings` is enough to write candidates in a terminal; `run` needs `Settings`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from bot.errors import ConfigError
from bot.voice import list_voices

_ALIKE = 0.75  # difflib's likeness of two names: DISCORD_BOT_TOKEN, not LANGUAGE or PATH
ELSEWHERE = {  # read by the trainer, make and docker compose from the same file
    "gemma_terms": "With accepted, you accept the Gemma Terms of Use, and `docker compose build`"
    " installs what `make install-gemma` does; default: it does not",
    "openai_api_key": "Key of the provider of `trainer train --backend openai` and `import-openai`",
    "openai_base_url": "Address of that provider; default: OpenAI's own",
    "sandbox_port": "Port of the sandbox's page; default: 8350",
    "torch_index": "Where `make install` and `docker compose build` take torch from; default: PyPI,"
    " and in Docker https://download.pytorch.org/whl/cpu, which saves gigabytes without a GPU",
    "voices_from": "Folder of the voices that docker compose mounts; default: a volume of its own",
}


_QUOTES = "\"'`“”„‘’«»<> \t\r\n\ufeff\u00a0\u200b"  # what comes along when something is copied
_CALLS = re.compile(r"(?:/chat)?/(?:completions|models|responses|embeddings)/?\Z")


def origin(typed: str) -> str:
    """The server in an address as people type it: "Mastodon.social/@ann". Raises ValueError.

    Without a scheme it is https, or http for a machine that is not on the public internet.
    """
    parts = _parts(typed)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def api_address(typed: str) -> str:
    """The address of an API as people type it, without the path of one call. Raises ValueError."""
    parts = _parts(typed)
    return urlunsplit(parts._replace(path=_CALLS.sub("", parts.path).rstrip("/"), fragment=""))


def _parts(typed: str) -> SplitResult:
    """The parts of an address; its host as it is sent over the wire."""
    text = typed.strip(_QUOTES)
    if not re.match(r"[a-z]+://", text, re.I):
        text = f"{_scheme(text)}://{text}"
    parts = urlsplit(text)
    user, at, host = parts.netloc.rpartition("@")
    is_host = re.fullmatch(r"\[[0-9a-f:.]+\](?::\d+)?|[^\s\[\]:,<>\"]+(?::\d+)?", host, re.I)
    if parts.scheme not in ("http", "https") or not is_host or re.search(r"\s", text):
        raise ValueError("it is no address such as https://example.org")
    if not host.isascii():
        name, colon, port = host.partition(":")
        host = f"{idna.encode(name, uts46=True).decode()}{colon}{port}"
    return parts._replace(netloc=f"{user}{at}{host.lower()}")


def _scheme(address: str) -> str:
    """https, but for addresses that are not public, and names without a dot."""
    parts = urlsplit(f"//{address}")
    host = parts.hostname or ""
    try:
        is_private = not ipaddress.ip_address(host).is_global
    except ValueError:
        is_private = "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost"))
    return "http" if is_private or parts.port == 80 else "https"


def _pasted(prefix: str) -> Callable[[object], object]:
    """A key or token without what came along when it was copied."""

    def clean(value: object) -> object:
        if not isinstance(value, str):
            return value
        key = re.sub(rf"\A{prefix}\s+", "", value.strip(_QUOTES), flags=re.I).strip(_QUOTES)
        if not re.fullmatch(r"[!-~]*", key):  # it goes into a header
            raise ValueError("it holds a character that no key has: copy it again")
        return key

    return clean


def _unquoted(value: object) -> object:
    return (value.strip(_QUOTES) or None) if isinstance(value, str) else value


def _split(value: object) -> object:
    found = re.split(r"[\s,;]+", value) if isinstance(value, str) else value
    if not isinstance(found, list):
        return value
    return [v.strip(f"{_QUOTES}@!") if isinstance(v, str) else v for v in found if v]


PastedPath: TypeAlias = Annotated[Path, BeforeValidator(_unquoted), AfterValidator(Path.expanduser)]
Origin: TypeAlias = Annotated[str, AfterValidator(origin)]
ApiAddress: TypeAlias = Annotated[str, AfterValidator(api_address)]


class DraftSettings(BaseSettings):
    """Which voice writes, and who serves it."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    voices: PastedPath = Field(Path("voices"), description="Folder of the trained voices")
    voice: str | None = Field(
        None,
        description="Name of the voice; default: the only one there is. In Discord that of whoever"
        " has not chosen one with /voice use; default: the first they may use",
    )
    llm_base_url: ApiAddress | None = Field(
        None,
        description="OpenAI-compatible server (vLLM, Ollama, OpenAI, …) for every voice; default:"
        " local voices are served by the embedded engine, the others by OpenAI",
    )
    llm_api_key: Annotated[SecretStr, BeforeValidator(_pasted("Bearer"))] = Field(
        SecretStr("none"), description="Key of that server, or of OpenAI"
    )
    llm_model: Annotated[str | None, BeforeValidator(_unquoted)] = Field(
        None, description="Model to ask the server at LLM_BASE_URL for; default: the voice's own"
    )
    engine_threads: int = Field(
        0,
        ge=0,
        description="CPU threads of the embedded engine; 0 leaves one core free for the bot, since"
        " on a busy one all threads would wait; of two cores it takes both, at low priority, by two"
        " servers that do not wait for each other",
    )
    blocked_words: PastedPath | None = Field(
        None,
        description="File of words and phrases that no candidate may hold, one a line (# begins a"
        " comment): whole words, whatever their case and accents; default: none",
    )
    base_gguf: PastedPath | None = Field(
        None,
        description="GGUF file of the base model, for voices trained with another `--base`;"
        " default: SmolLM2's",
    )

    def blocked_lines(self) -> list[str]:
        """The lines of the file of words, if there is one. Raises ConfigError."""
        try:
            file = self.blocked_words  # an editor may begin it with a mark
            return file.read_text("utf-8-sig").splitlines() if file else []
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigError(
                f"The words in {self.blocked_words} cannot be read ({e}). Let BLOCKED_WORDS name a"
                " file with one word or phrase a line, in UTF-8."
            ) from e

    def voice_folder(self) -> Path:
        """Folder of the chosen voice. Raises ConfigError if the choice is not clear."""
        names = list_voices(self.voices)
        if self.voice:
            return self.voices / self.voice
        if len(names) == 1:
            return self.voices / names[0]
        found = f"holds {', '.join(names)}" if names else "holds no trained voice"
        do = "Set VOICE to one of them" if names else "Train one with `python -m trainer train`"
        raise ConfigError(
            f"The folder {self.voices} {found}. {do}, or set VOICES to another folder."
        )


class DatabaseSettings(DraftSettings):
    """Where the bot keeps its database."""

    database: PastedPath = Field(
        Path("state/bot.db"), description="SQLite file of drafts and schedules"
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that encrypts the stored tokens; several, separated by commas, to change"
        " it, as the first encrypts; default: a key file beside DATABASE",
    )


class Settings(DatabaseSettings):
    """Everything `run` needs. Who may post, and where, has no default."""

    discord_token: Annotated[SecretStr, BeforeValidator(_pasted("Bot"))] = Field(
        description="Token of the Discord application's bot"
    )
    owner_ids: Annotated[frozenset[int], NoDecode, BeforeValidator(_split)] = Field(
        min_length=1,
        description="Discord user ids of the operators, who say whose a voice is, separated by"
        " commas",
    )
    mastodon_base_url: Origin | None = Field(
        None,
        description="Address of the operators' Mastodon server; goes together with"
        " MASTODON_ACCESS_TOKEN; default: everybody connects an account of their own",
    )
    mastodon_access_token: Annotated[SecretStr | None, BeforeValidator(_pasted("Bearer"))] = Field(
        None,
        description="Access token of their account there, for operators who have not connected one"
        " of their own; scopes: read:accounts, read:statuses, write:statuses",
        validate_default=True,
    )
    mastodon_private_instances: Annotated[frozenset[Origin], NoDecode, BeforeValidator(_split)] = (
        Field(
            frozenset(),
            description="Addresses of servers, such as http://10.0.0.7:3000, that people may"
            " connect to although they are not public or not https, separated by commas; default:"
            " none",
        )
    )
    mastodon_visibility: Literal["public", "unlisted", "private", "direct"] | None = Field(
        None,
        description="Who sees the statuses of that account: public, unlisted, private or direct;"
        " default: the account's own setting",
    )
    mastodon_language: str | None = Field(
        None,
        pattern=r"^[a-z]{2,3}$",
        description="ISO 639 code of their language, such as en; default: the account's own"
        " setting",
    )
    mastodon_content_warning: str | None = Field(
        None, description="Content warning put on each of them; default: none"
    )
    bluesky_handle: str | None = Field(
        None,
        description="Handle of the operators' Bluesky account, such as ann.bsky.social; goes"
        " together with BLUESKY_APP_PASSWORD; default: everybody connects an account of their own",
    )
    bluesky_app_password: Annotated[SecretStr | None, BeforeValidator(_pasted("Bearer"))] = Field(
        None,
        description="App password of that account, for operators who have not connected one of"
        " their own",
        validate_default=True,
    )
    bluesky_private_servers: Annotated[frozenset[Origin], NoDecode, BeforeValidator(_split)] = (
        Field(
            frozenset(),
            description="Addresses of Bluesky servers (PDS), such as http://10.0.0.7:2583, that"
            " people may connect to although they are not public or not https, separated by commas;"
            " they are asked first whose a handle is; default: none",
        )
    )
    draft_expires_days: float = Field(
        7, gt=0, description="Days after which a draft without a decision expires"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged: DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Literal["auto", "human", "json"] = Field(
        "auto",
        description="Log lines: human, json, or auto, which is human in a terminal and JSON lines"
        " elsewhere",
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Port of /health and /metrics; default: neither is served"
    )
    metrics_host: str = Field("127.0.0.1", description="Address they listen on")
    discord_api_url: str | None = Field(
        None, description="Address of another Discord; the sandbox sets it; default: Discord's own"
    )

    @field_validator("mastodon_access_token", mode="after")
    @classmethod
    def _a_pair(cls, token: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if (token is None) != (others.data.get("mastodon_base_url") is None):
            raise ValueError("it goes together with MASTODON_BASE_URL: set both, or neither")
        return token

    @field_validator("bluesky_app_password", mode="after")
    @classmethod
    def _two(cls, password: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if (password is None) != (others.data.get("bluesky_handle") is None):
            raise ValueError("it goes together with BLUESKY_HANDLE: set both, or neither")
        return password

    def secrets(self) -> list[str]:
        """Every secret value, to hide in the log."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


S = TypeVar("S", bound=DraftSettings)


def read_settings(kind: type[S]) -> S:
    """Read the environment and `.env`. Raises a ConfigError that names all faults."""
    try:
        return kind()
    except ValidationError as e:
        lines = [_line(kind, str(x["loc"][0]), x["type"], x["msg"]) for x in e.errors()]
        raise ConfigError(
            "The configuration is not complete, or not right:\n"
            + "\n".join(sorted({*lines, *(f"  {hint}" for hint in misspelt())}))
            + "\nSet them in the environment or in .env; .env.example shows how."
        ) from None  # pydantic's own text would print the values, secrets among them


def misspelt() -> Iterator[str]:
    """A sentence for each unknown variable whose name is nearly that of an unset one."""
    sources = {
        ".env": DotEnvSettingsSource(Settings),
        "the environment": EnvSettingsSource(Settings),
    }
    names = {name: where for where, source in sources.items() for name in source.env_vars}
    known = Settings.model_fields.keys()
    for name in sorted(names.keys() - known - ELSEWHERE.keys()):
        for meant in get_close_matches(name, {*known, *ELSEWHERE} - names.keys(), 1, _ALIKE):
            yield (
                f"{name.upper()} in {names[name]} is not a setting, so it has no effect: is"
                f" {meant.upper()} meant?"
            )


def _line(kind: type[DraftSettings], name: str, error: str, message: str) -> str:
    problem = "is missing" if error == "missing" else f"is not valid ({message})"
    return f"  {name.upper()} {problem}: {kind.model_fields[name].description}"
