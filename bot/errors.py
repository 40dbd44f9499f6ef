"""Everything that can go wrong, in words for a person.

BotError
├── ConfigError   settings are missing or wrong: the operator must act
│   └── InUse     another bot has the database
├── VoiceError    a voice folder is missing or damaged: train it again, or restore it
├── UserError     the person asked for something that cannot be: the text is shown to them
├── Unavailable   a service does not answer now: try later
└── Refused       a service answered no: trying again will not help

The text of each says what happened, why, and what to do now; it never holds a secret. A text for a
user is a template and its values, `UserError("There is no draft {id}.", id=7)`, so that it can be
translated.
"""

from bot.sentences import Words


class BotError(Exception):
    """The root; `str()` of it is a sentence for a person, in English."""

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(template, values)
        self.words = Words(template, values)

    def __str__(self) -> str:
        return str(self.words)


class ConfigError(BotError):
    """Settings are missing or wrong."""


class InUse(ConfigError):
    """Another bot has the database."""


class VoiceError(BotError):
    """A voice folder is missing, incomplete or damaged."""


class UserError(BotError):
    """The person wants something that cannot be done; the text is shown to them."""


class Unavailable(BotError):
    """A service does not answer, or not usefully; the same call may work later."""


class Refused(BotError):
    """A service answered no; the same call will be refused again."""
