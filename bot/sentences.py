"""Sentences for people: an English template and its values, filled in when they are shown.

Pure. `language.translate` translates them; `str()` gives the English.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Words:
    """A template such as "Draft {id} is posted." and its values, which may be Words too."""

    template: str
    values: dict[str, object] = field(default_factory=dict)
    plural: str | None = None  # the template for every `n` but 1

    def __str__(self) -> str:
        return self.fill(self.template if self.plural is None or self.is_one else self.plural)

    @property
    def is_one(self) -> bool:
        """Whether the singular is right in English."""
        return self.values.get("n") == 1

    def fill(self, template: str) -> str:
        """Put the values into a template; one without values may hold braces of its own."""
        return template.format(**self.values) if self.values else template


def say(template: str, /, **values: object) -> Words:
    """A sentence for a person; the template is the catalogue's key, so it is never built."""
    return Words(template, values)


def say_n(one: str, many: str, /, n: int, **values: object) -> Words:
    """A sentence about `n` things: `one` if `n` is 1, else `many`."""
    return Words(one, {"n": n, **values}, many)
