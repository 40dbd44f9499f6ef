"""The findings about a voice, as a line and as figures: evaluation.json in its folder.

`evaluate` writes it, `report` shows it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bot.voice.files import write_whole
from trainer.errors import DataError

FILE = "evaluation.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of a voice, as a person reads it: "0.61", "3 %"; empty if not measured."""

    name: str
    voice: str
    real: str = ""  # the same of real posts: no voice can be better
    base: str = ""  # what needs no training: the base model,
    examples: str = ""  # the same shown five of the author's posts,
    markov: str = ""  # and word chains, in evaluations made before 0.2
    goal: str = ""
    notes: str = ""  # where the voice wrote from notes: the notes as they are, another floor


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a voice for a newcomer, and the figures behind it."""

    line: str
    figures: Sequence[Figure]
    measures: Mapping[str, Any] = field(default_factory=dict)  # the same as numbers, for programs

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        data = asdict(self)
        for row in data["figures"]:
            if not row["notes"]:
                del row["notes"]
        text = json.dumps(data, indent=2, ensure_ascii=False)
        write_whole(folder / FILE, text + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Verdict | None":
        """The verdict, or None if the voice was not evaluated. Raises DataError if damaged."""
        file = folder / FILE
        try:
            data = json.loads(file.read_text("utf-8"))
            figures = [Figure(**row) for row in data["figures"]]
            return cls(str(data["line"]), figures, data["measures"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise DataError(
                f"{file} cannot be read ({e}). Delete it, or evaluate the voice again."
            ) from e
