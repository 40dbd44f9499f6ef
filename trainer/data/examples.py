"""A post as a training example, in the chat format that every provider and `train` read.

Pure. Uses the same `bot.voice.Prompt` as the finished voice.
"""

from collections.abc import Sequence

from bot.voice import Message, Prompt, Turn


def to_example(prompt: Prompt, topics: Sequence[str], text: str) -> dict[str, list[Message]]:
    """Build the conversation in which the author answers the topics with the post."""
    return {
        "messages": [
            *prompt.messages(Turn(", ".join(topics))),
            {"role": "assistant", "content": text},
        ]
    }
