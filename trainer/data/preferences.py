"""Preference pairs in OpenAI's format for `dpo`: writes lines, checks a file before it costs.

Each line: {"input": {"messages": [...]}, "preferred_output": [{"role": "assistant", ...}],
"non_preferred_output": [{"role": "assistant", ...}]}.
`taste` learns from them too, so this stays when the provider goes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.voice import Message
from trainer.errors import DataError

PREFERENCES_FILE = "preferences.jsonl"  # its name in a folder of training data
OUTPUTS = ("preferred_output", "non_preferred_output")


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to the same request, one of them preferred."""

    prompt: Sequence[Message]
    preferred: str
    other: str

    def line(self) -> str:
        """The JSON line."""
        texts = zip(OUTPUTS, (self.preferred, self.other), strict=True)
        answers = {name: [{"role": "assistant", "content": text}] for name, text in texts}
        return json.dumps({"input": {"messages": [*self.prompt]}} | answers, ensure_ascii=False)


def check_pairs(file: Path, minimum: int) -> None:
    """Raise a DataError that names the line at fault, or if there are too few."""
    count = 0
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    count += 1
                    if wrong := _fault(line):
                        raise DataError(f"{file}, line {number}: {wrong}. Mend or remove the line.")
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(f"The preferences in {file} cannot be read ({e}).") from e
    if count < minimum:
        raise DataError(
            f"{file} holds {count} pairs, and a provider takes no job on fewer than {minimum}."
            " Decide on more drafts first."
        )


def read_preferences(file: Path) -> list[Preference]:
    """Read all pairs of a file. Raises DataError that names the line at fault."""
    check_pairs(file, minimum=0)
    with file.open(encoding="utf-8") as lines:
        return [_preference(json.loads(line)) for line in lines if line.strip()]


def _preference(row: Any) -> Preference:
    preferred, other = (row[name][0]["content"] for name in OUTPUTS)
    return Preference(row["input"]["messages"], preferred, other)


def _fault(line: str) -> str | None:
    """The fault of a line, or None."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "is not JSON"
    if not isinstance(row, dict):
        return "is not a JSON object"
    asked = row.get("input")
    messages = asked.get("messages") if isinstance(asked, dict) else None
    if not (isinstance(messages, list) and messages and all(map(_is_message, messages))):
        return "'input' has no list of 'messages'"
    for name in OUTPUTS:
        answer = row.get(name)
        if not (isinstance(answer, list) and len(answer) == 1 and _is_answer(answer[0])):
            return f"'{name}' is not a list of one assistant message"
    if row[OUTPUTS[0]][0]["content"] == row[OUTPUTS[1]][0]["content"]:
        return "both outputs are the same, so neither is preferred"
    return None


def _is_message(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.get("role") in ("system", "developer", "user", "assistant")
        and isinstance(value.get("content"), str)
    )


def _is_answer(value: object) -> bool:
    return isinstance(value, dict) and _is_message(value) and value["role"] == "assistant"
