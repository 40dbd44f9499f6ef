"""A voice trained by a provider: upload, start, follow, write the voice; resumable at any point.

Reads the prepared files and <voices>/.<name>.training/job.json, which notes every intent before it
is carried out. If the start of a job got no answer, it looks for the job at the provider before it
starts another. Writes the voice folder at the very end. Imports no torch.
"""

import hashlib
import shutil
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from bot.voice import Base
from trainer.data import preferences
from trainer.data.dataset import Dataset
from trainer.data.folder import TRAIN_FILE, VALIDATION_FILE
from trainer.errors import DataError, ProviderError
from trainer.provider import estimate, losses
from trainer.provider.client import (
    MAX_UPLOAD_BYTES,
    Busy,
    Job,
    Missing,
    Pauses,
    Provider,
    Unanswered,
)
from trainer.provider.note import JOB_FILE, JobNote
from trainer.provider.progress import JobProgress
from trainer.training.voice_folder import VoiceFolder

DEFAULT_PROVIDER_MODEL = "gpt-4.1-mini-2025-04-14"
DEFAULT_EPOCHS = 2
MINIMUM_EXAMPLES = 10  # a job on fewer is refused
ENDED = ("succeeded", "failed", "cancelled")
TOKEN = "write-my-posts"  # noqa: S105 - key in the metadata that marks a job as ours


@dataclass(frozen=True, slots=True)
class Order:
    """What the provider is to train."""

    model: str = DEFAULT_PROVIDER_MODEL
    method: Literal["supervised", "dpo"] = "supervised"
    preferences: Path | None = None  # the training file of "dpo"
    epochs: int = DEFAULT_EPOCHS
    beta: float | None = None  # of "dpo"; None leaves it to the provider
    seed: int = 0


@dataclass(frozen=True, slots=True)
class OpenAI:
    """`train --backend openai`: called again after a kill, it goes on where it was."""

    provider: Provider
    order: Order
    price: float | None = None  # dollars a million training tokens
    agreed: bool = False  # --yes
    is_cancelling: bool = False  # --cancel

    def train(
        self, data: Dataset, folder: VoiceFolder, *, fresh: bool, now: datetime, console: Console
    ) -> None:
        """Train the voice there and write its folder. Raises ProviderError or DataError."""
        file = folder.training / JOB_FILE
        if self.is_cancelling:
            return self._cancel(JobNote.load(file), console)
        files = self._files(data)
        identity = self._identity(files)
        note = None if fresh else self._resumable(JobNote.load(file), identity)
        if fresh and file.exists():
            console.print("A job that was begun before, if there is one, is left to itself.")
        if note is None:
            if not fresh and _is_done(folder.place / JOB_FILE, identity):
                shutil.rmtree(folder.training, ignore_errors=True)
                console.print(
                    f"The voice {folder.name} has been trained on this data with these settings"
                    " already. Run this with --fresh to pay for another training."
                )
                return None
            self._agree(files, now.date(), console)
        with folder.open():
            if note is None:
                note = JobNote(identity, uuid.uuid4().hex)
                note.save(file)
            try:
                job = self._run(note, file, files, folder.name, console)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(_interrupted(note, fresh)) from None
            self._finish(job, note, data, folder, now, console)
        return None

    # --- before the upload

    def _files(self, data: Dataset) -> list[Path]:
        """Training file, and validation file if there is one. Raises DataError."""
        train, validation = data.folder / TRAIN_FILE, data.folder / VALIDATION_FILE
        if self.order.method == "dpo":
            if self.order.preferences is None:
                raise DataError("--method dpo learns from pairs: name their file, --preferences.")
            preferences.check_pairs(self.order.preferences, MINIMUM_EXAMPLES)
            return [self.order.preferences]
        if len(data.train) < MINIMUM_EXAMPLES:
            raise DataError(
                f"{train} holds {len(data.train)} posts, and a provider takes no job on fewer than"
                f" {MINIMUM_EXAMPLES}. Prepare a larger archive."
            )
        files = [train, validation] if data.validation else [train]
        for file in files:
            if (size := file.stat().st_size) > MAX_UPLOAD_BYTES:
                raise DataError(
                    f"{file} has {size / 1e6:.0f} MB, and a provider takes up to"
                    f" {MAX_UPLOAD_BYTES / 1e6:.0f} MB. Prepare a part of the archive."
                )
        return files

    def _identity(self, files: list[Path]) -> dict[str, Any]:
        order = self.order
        return {
            # Hashed: the note goes into the voice folder, which names no address.
            "provider": hashlib.sha256(self.provider.base_url.encode()).hexdigest()[:16],
            "model": order.model,
            "method": order.method,
            "epochs": order.epochs,
            "beta": order.beta,
            "seed": order.seed,
            "files": [_sha256(file) for file in files],
        }

    def _resumable(self, note: JobNote | None, identity: dict[str, Any]) -> JobNote | None:
        """The note to go on with; None starts anew. Raises ProviderError if that would cost twice.

        A job that failed or was cancelled is reported again, and repeated with `--fresh` only.
        """
        if note is None or note.identity == identity:
            return note
        if note.identity["provider"] != identity["provider"]:
            raise ProviderError(
                "A job of this voice was begun at another provider. Set OPENAI_BASE_URL back to"
                " finish or --cancel it, or start anew here with --fresh."
            )
        job = self._asked_for(note)
        if job and job.status not in ENDED:
            raise ProviderError(
                f"The job {job.id} of this voice still goes on for other data or settings. Run the"
                " command with those to finish it, end it with --cancel, or start another beside"
                " it with --fresh."
            )
        return None

    def _agree(self, files: list[Path], today: date, console: Console) -> None:
        """Show the cost and ask. Raises ProviderError if nobody agrees."""
        order, host = self.order, self.provider.host
        where = f"{order.model} at {host}"
        console.print(
            estimate.cost_sentence(files[0], where, order.epochs, self.price),
            highlight=False,
            markup=False,
        )
        if shutdown := self.provider.shutdown_date(order.model):
            console.print(estimate.life(order.model, shutdown, today), highlight=False)
        if self.agreed:
            return
        if not sys.stdin.isatty():
            raise ProviderError(
                f"This would upload your posts to {host} and cost money, and there is no terminal"
                " to ask at. Run it with --yes if that is what you want."
            )
        size = sum(file.stat().st_size for file in files) / 1000
        answer = console.input(
            f"Upload {size:,.0f} kB of your posts, which stay at {host} until you delete them"
            " there, and start the job? \\[y/N] "
        )
        if answer.strip().lower() not in ("y", "yes"):
            raise ProviderError("Nothing was uploaded and nothing started.")

    # --- the job

    def _run(
        self, note: JobNote, file: Path, files: list[Path], name: str, console: Console
    ) -> Job:
        """Bring the job from its present state to its end."""
        if note.job is None:
            ids = list(self._upload(files, note.identity["files"], console))
            self._start(note, file, self._body(note, ids, name))
            console.print(f"The job {note.job} is started.", highlight=False)
        else:
            console.print(f"Going on with the job {note.job}.", highlight=False)
        return self._follow(note, file, console)

    def _upload(self, files: list[Path], hashes: list[str], console: Console) -> Iterator[str]:
        for file, sha256 in zip(files, hashes, strict=True):
            file_id, is_new = self.provider.ensure_file(file, f"{file.stem}-{sha256[:32]}.jsonl")
            console.print(
                f"{file.name}: {'uploaded' if is_new else 'unchanged at the provider'} ({file_id})",
                highlight=False,
            )
            self.provider.wait_for_file(file_id)
            yield file_id

    def _body(self, note: JobNote, ids: list[str], name: str) -> dict[str, Any]:
        order = self.order
        settings: dict[str, Any] = {"n_epochs": order.epochs}
        if order.beta is not None:
            settings["beta"] = order.beta
        body = {
            "model": order.model,
            "training_file": ids[0],
            "method": {"type": order.method, order.method: {"hyperparameters": settings}},
            "seed": order.seed % 2**31,
            "suffix": name[:64],
            "metadata": {TOKEN: note.token},
        }
        return body | ({"validation_file": ids[1]} if ids[1:] else {})

    def _start(self, note: JobNote, file: Path, body: dict[str, Any]) -> None:
        """Start the job exactly once: an earlier request may have started it unanswered."""
        pace = self.provider.pace
        pauses = Pauses(pace, pace.set_up_s, self.provider.say)
        note.training_file = body["training_file"]
        if note.known is None:
            note.known = [job.id for job in self.provider.jobs() if _is_on(job, note)]
        while note.job is None:
            if job := self._asked_for(note):
                note.job = job.id
                break
            note.asked_at = time.time()
            note.save(file)
            try:
                note.job = self.provider.create_job(body, note.token).id
            except Unanswered as e:
                if isinstance(e, Busy):
                    note.asked_at = None
                pauses.wait(e)
            except ProviderError:
                file.unlink()  # refused: no job to look for, and the next run requests it anew
                raise
        note.save(file)

    def _asked_for(self, note: JobNote) -> Job | None:
        """The job that was started; waits as long as it may take to appear."""
        if note.job:
            return self.provider.job(note.job)
        while note.asked_at is not None:
            if job := self._find(note):
                return job
            if time.time() - note.asked_at > self.provider.pace.settle_s:
                return None
            time.sleep(self.provider.pace.first_pause_s)
        return None

    def _find(self, note: JobNote) -> Job | None:
        """Our job at the provider: by its metadata, or, if the server drops them, a new job on our
        file.
        """
        jobs = self.provider.jobs()
        tokens = {job.id: job.metadata.get(TOKEN) for job in jobs}
        ours = [job for job in jobs if tokens[job.id] == note.token]
        bare = [job for job in jobs if tokens[job.id] is None and _is_on(job, note)]
        return next((job for job in [*ours, *bare] if job.id not in (note.known or [])), None)

    def _follow(self, note: JobNote, file: Path, console: Console) -> Job:
        """Watch the job until it has ended."""
        assert note.job is not None, "a job is started before it is followed"
        seen: set[str] = set()
        with JobProgress(console) as progress:
            for pause_s in self.provider.pace.looks():
                job = self.provider.job(note.job)
                for event in self.provider.events(job.id, seen):
                    progress.show(event.message, losses.final_losses(event))
                progress.status(job.status)
                if job.status != note.status:
                    note.status = job.status
                    note.save(file)
                if job.status in ENDED:
                    return job
                time.sleep(pause_s)
        raise AssertionError("looks never end")

    def _cancel(self, note: JobNote | None, console: Console) -> None:
        job = self._asked_for(note) if note else None
        if job is None or job.status in ENDED:
            console.print("No job of this voice is going on: there is nothing to cancel.")
            return
        job = self.provider.cancel(job.id)
        console.print(f"The job {job.id} is cancelled; what it took so far may be charged.")

    # --- the voice

    def _finish(
        self,
        job: Job,
        note: JobNote,
        data: Dataset,
        folder: VoiceFolder,
        now: datetime,
        console: Console,
    ) -> None:
        """Write the voice of a job that succeeded. Raises ProviderError with the reason if not."""
        if job.status == "failed":
            reason = job.error or "it gives no reason"
            raise ProviderError(
                f"The job {job.id} failed at {self.provider.host}: {reason.rstrip('.')}."
                " Mend that, then start another with --fresh."
            )
        if job.status == "cancelled":
            raise ProviderError(
                f"The job {job.id} was cancelled. Start another with --fresh if you want one."
            )
        if not job.fine_tuned_model:
            raise ProviderError(
                f"The job {job.id} succeeded, but {self.provider.host} does not name its model."
                " Run the same command again in a while."
            )
        curve = losses.curve(self._results(job, console), self.order.epochs)
        folder.new.mkdir(exist_ok=True)
        note.save(folder.new / JOB_FILE)
        folder.complete(
            data,
            backend="openai",
            model=job.fine_tuned_model,
            base=Base(job.model or self.order.model, None),
            curve=curve,
            metrics=losses.summary(curve, job),
            seed=self.order.seed,
            now=now,
            console=console,
        )
        console.print(f"The voice {folder.name} is ready in {folder.place}.")
        console.print(
            "The bot asks the provider for it: set LLM_BASE_URL and LLM_API_KEY in its settings."
        )

    def _results(self, job: Job, console: Console) -> Iterable[losses.LossRow]:
        """Rows of losses, from the result file, else from the events."""
        for file_id in job.result_files:
            try:
                if rows := losses.rows(self.provider.download(file_id)):
                    return rows
            except Missing:
                console.print(f"The result file {file_id} is gone: its losses are left out.")
        return [m for e in self.provider.events(job.id, set()) if (m := losses.final_losses(e))]


def _is_on(job: Job, note: JobNote) -> bool:
    return job.training_file == note.training_file


def _is_done(file: Path, identity: dict[str, Any]) -> bool:
    """Whether the present voice came from this very order."""
    note = JobNote.load(file)
    return note is not None and note.identity == identity


def _interrupted(note: JobNote, fresh: bool) -> str:
    again = "Run the same command again" + (" without --fresh" if fresh else "")
    if note.job:
        return (
            f"Interrupted; the job {note.job} goes on at the provider. {again} to go on following"
            " it, or with --cancel to end it."
        )
    return f"Interrupted. {again}: it finds out first whether the job was started."


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
