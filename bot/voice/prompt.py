"""The prompt of a voice: one template renders its training examples and the bot's requests.

Pure. Holds rendering and its inverse. A voice writes worse if its requests differ from its
training.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

PLACE = "{topic}"  # where the parts go
NOTES_BEGIN = "Notes: "  # begins the line below the topic

Message = dict[Literal["role", "content"], str]


@dataclass(frozen=True, slots=True)
class PromptParts:
    """The parts of one request. A part that is None, or blank, is left out."""

    topic: str | None = None
    instruction: str | None = None  # how to write it: "shorter"
    notes: str | None = None  # what it is to say, as `notes_of` has it: one line


@dataclass(frozen=True, slots=True)
class Prompt:
    """The template that rendered every example; the parts take the place of `{topic}` in `user`."""

    system: str = "Write a post in the author's voice."
    user: str = PLACE
    no_topic: str = "anything"

    def messages(self, parts: PromptParts) -> list[Message]:
        """Chat messages that request a post; without a topic, whatever the author would write.

        Voices learnt to find a topic in its place, so notes and an instruction go below it.
        """
        asked = _stripped(parts.topic) or self.no_topic
        if notes := " ".join((parts.notes or "").split()):
            asked = f"{asked}\n{NOTES_BEGIN}{notes}"
        if instruction := _stripped(parts.instruction):
            asked = f"{asked}\n{instruction}"
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user.replace(PLACE, asked)},
        ]

    def parts(self, messages: Sequence[Message]) -> PromptParts:
        """The parts that these messages were rendered from: the inverse of `messages`.

        Only for topics of one line, and instructions that do not begin as notes do. Reads a request
        of another template as a bare topic, notes and instruction.
        """
        asked = messages[-1]["content"]
        start, *ends = map(re.escape, self.user.split(PLACE))
        pattern = start + "(?P<asked>.*)" + "(?P=asked)".join(ends)
        if ends and (found := re.fullmatch(pattern, asked, re.DOTALL)):
            asked = found[1]
        first = self.no_topic if f"{asked}\n".startswith(f"{self.no_topic}\n") else None
        topic, _, more = (asked[len(first) :] if first else asked).partition("\n")
        notes = None
        if more.startswith(NOTES_BEGIN):
            notes, _, more = more.removeprefix(NOTES_BEGIN).partition("\n")
        return PromptParts(topic or None, more or None, notes or None)


def _stripped(part: str | None) -> str:
    return part.strip() if part else ""
