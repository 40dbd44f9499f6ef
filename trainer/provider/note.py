"""job.json: the order agreed with a provider, and its progress."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.voice.files import write_whole
from trainer.errors import DataError

JOB_FILE = "job.json"


@dataclass(slots=True)
class JobNote:
    """The order agreed with a provider, and its progress."""

    identity: dict[str, Any]  # provider, order and data: another identity is another job
    token: str  # in the job's metadata
    training_file: str = ""  # its id at the provider
    known: list[str] | None = None  # jobs on the same file before ours was requested
    asked_at: float | None = None  # Unix time of the last try whose outcome is not known
    job: str | None = None
    status: str = ""

    @classmethod
    def load(cls, file: Path) -> "JobNote | None":
        """Read it; None if there is none. Raises DataError if it is damaged."""
        try:
            return cls(**json.loads(file.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as e:
            raise DataError(
                f"{file} is damaged, so a job of this voice may go on unseen. Look at the"
                " provider's page, cancel it there if there is one, then run this with --fresh."
            ) from e

    def save(self, file: Path) -> None:
        """Write it, whole or not at all."""
        write_whole(file, json.dumps(asdict(self), indent=2) + "\n")
