"""job.json: what was agreed to with a provider and how far it is. Standard library only."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.errors import DataError

JOB_FILE = "job.json"


@dataclass(slots=True)
class Note:
    """job.json: what was agreed to, and how far it is."""

    identity: dict[str, Any]  # provider, order and data: another identity is another job
    token: str  # in the job's metadata
    training_file: str = ""  # its id at the provider
    known: list[str] | None = None  # jobs on the same file before ours was asked for
    asked_at: float | None = None  # Unix time of the last try whose outcome is not known
    job: str | None = None
    status: str = ""

    @classmethod
    def load(cls, file: Path) -> "Note | None":
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
        """Write to a temporary name, then move it in place: the file is always whole."""
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")
        partial.replace(file)
