"""What a voice is asked: the one template that renders training examples and the bot's requests.

Pure. Rendering and its inverse stand side by side; a voice that is asked otherwise than it was
trained writes worse.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

PLACE = "{topic}"  # where the turn goes

Message = dict[Literal["role", "content"], str]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one request asks for. A part that is None, or blank, is not asked."""

    topic: str | None = None
    instruction: str | None = None  # how to write it: "shorter"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The template every example was rendered with; `{topic}` in `user` is where the turn goes."""

    system: str = "Write a post in the author's voice."
    user: str = PLACE
    no_topic: str = "anything"

    def messages(self, turn: Turn) -> list[Message]:
        """Chat messages that ask for a post; no topic asks for whatever the author would write.

        Voices learnt to find a topic in its place, so an instruction goes on the lines below it.
        """
        asked = _stripped(turn.topic) or self.no_topic
        if instruction := _stripped(turn.instruction):
            asked = f"{asked}\n{instruction}"
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user.replace(PLACE, asked)},
        ]

    def turn(self, messages: Sequence[Message]) -> Turn:
        """What these messages ask for: the inverse of `messages`, for topics of one line.

        A request that another template rendered is taken as it stands.
        """
        asked = messages[-1]["content"]
        first, *more = map(re.escape, self.user.split(PLACE))
        pattern = first + "(?P<asked>.*)" + "(?P=asked)".join(more)
        if more and (found := re.fullmatch(pattern, asked, re.DOTALL)):
            asked = found[1]
        if f"{asked}\n".startswith(f"{self.no_topic}\n"):
            return Turn(None, asked[len(self.no_topic) + 1 :] or None)
        topic, _, instruction = asked.partition("\n")
        return Turn(topic or None, instruction or None)


def _stripped(part: str | None) -> str:
    return part.strip() if part else ""
