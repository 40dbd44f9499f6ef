"""The port to a provider with OpenAI's `files` and `fine_tuning.jobs`; its faults become sentences.

Reads OPENAI_BASE_URL and OPENAI_API_KEY. Retries passing faults (429, 5xx, a cut line, silence)
with growing pauses. It never retries the start of a job, since two would cost twice: only job.py
knows how to find out whether one was started.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar

import openai
from httpx2 import Timeout
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

from trainer.errors import ProviderError, TrainerError

_OPENAI_URL = "https://api.openai.com/v1"
_COPIED_ALONG = " \t\r\n\"'`“”„‘’<>\ufeff\u00a0\u200b"  # beside a key or an address
MAX_UPLOAD_BYTES = 512 * 1000**2  # of one uploaded file
_PAGE = 100  # jobs or events a listing
CLOSED = (
    "OpenAI takes no jobs from organisations that had not fine-tuned before 7 May 2026 or had not"
    " used a fine-tune in the 60 days before 2 July 2026, and from nobody after 6 January 2027."
    " Train on your own machine with --backend local, or at another provider: set OPENAI_BASE_URL"
    " and OPENAI_API_KEY."
)

_T = TypeVar("_T")


class Unanswered(TrainerError):
    """The outcome is unknown: no answer came, or one that makes no sense."""


class Busy(Unanswered):
    """The provider did not do it, but may in a while."""


class Missing(ProviderError):
    """The provider does not know the file, job or model (any more)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait, in seconds."""

    poll_s: float = 10.0  # between two looks at a job, once it has lasted a while
    answer_s: float = 60.0  # for one answer; an upload may take ten times as long
    set_up_s: float = 120.0  # of failures in a row before a job runs
    follow_s: float = 3600.0  # of failures in a row while it runs: it goes on without us

    @property
    def first_pause_s(self) -> float:
        """The pause before the first retry; each later one is twice as long."""
        return min(1.0, self.poll_s)

    @property
    def settle_s(self) -> float:
        """How long a requested job may be missing from the list, or a file stay unread."""
        return 2 * self.poll_s

    def looks(self) -> Iterator[float]:
        """Pauses between looks at a job: short at first, when its status changes fast."""
        pause_s = self.first_pause_s
        while True:
            yield pause_s
            pause_s = min(1.5 * pause_s, self.poll_s)


@dataclass(frozen=True, slots=True)
class Job:
    """A fine-tuning job: the fields that are used here."""

    id: str
    status: str  # validating_files, queued, running, paused; succeeded, failed, cancelled
    model: str | None
    fine_tuned_model: str | None
    training_file: str | None
    validation_file: str | None
    result_files: tuple[str, ...]
    metadata: Mapping[str, str]
    error: str | None
    trained_tokens: int | None
    seconds: float | None

    @classmethod
    def read(cls, answer: FineTuningJob) -> "Job":
        """Read the fields that are there: the library checks none, and some servers omit some."""
        found: Mapping[str, Any] = answer.to_dict()
        started, finished = found.get("created_at"), found.get("finished_at")
        return cls(
            id=found["id"],
            status=found["status"],
            model=found.get("model"),
            fine_tuned_model=found.get("fine_tuned_model"),
            training_file=found.get("training_file"),
            validation_file=found.get("validation_file"),
            result_files=tuple(found.get("result_files") or ()),
            metadata=found.get("metadata") or {},
            error=(found.get("error") or {}).get("message"),
            trained_tokens=found.get("trained_tokens"),
            seconds=finished - started if started and finished else None,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A provider's message about a job; `data` holds a step's numbers, if it is about a step."""

    id: str
    message: str
    data: Mapping[str, Any]

    @classmethod
    def read(cls, answer: FineTuningJobEvent) -> "Event":
        """As Job.read."""
        found: Mapping[str, Any] = answer.to_dict()
        data = found.get("data")
        return cls(found["id"], found["message"], data if isinstance(data, dict) else {})


class Provider:
    """A client of one provider. `say` gets a sentence when it does not answer for a while."""

    def __init__(
        self, base_url: str, api_key: str, pace: Pace, say: Callable[[str], None] = print
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ProviderError(
                f"OPENAI_BASE_URL is {base_url}, which is no address: give one as {_OPENAI_URL}."
            )
        self.base_url, self.pace, self.say = base_url.rstrip("/"), pace, say
        self._client = openai.OpenAI(
            base_url=base_url, api_key=api_key, timeout=pace.answer_s, max_retries=0
        )
        self.host = self._client.base_url.host

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str], pace: Pace, say: Callable[[str], None] = print
    ) -> "Provider":
        """The client of the environment's provider. Raises ProviderError without a key."""
        key = environment.get("OPENAI_API_KEY", "").strip(_COPIED_ALONG).removeprefix("Bearer ")
        if not key:
            raise ProviderError(
                "OPENAI_API_KEY is not set: it is the key of the provider that trains. Set it in"
                " the environment, and OPENAI_BASE_URL too if the provider is not OpenAI."
            )
        if not re.fullmatch("[!-~]+", key):  # it goes into a header
            raise ProviderError("OPENAI_API_KEY holds a character that no key has: copy it again.")
        address = environment.get("OPENAI_BASE_URL", "").strip(_COPIED_ALONG)
        return cls(address or _OPENAI_URL, key, pace, say)

    # --- requests

    def shutdown_date(self, model: str) -> date | None:
        """When the model is shut down, if the provider says so."""
        try:
            found = self._patiently(lambda: self._client.models.retrieve(model).shutdown_date)
            return date.fromisoformat(found or "")
        except (ProviderError, ValueError):  # not every server has it, not every key may read it
            return None

    def ensure_file(self, file: Path, name: str) -> tuple[str, bool]:
        """Id of the file under that name at the provider, and whether it had to be uploaded.

        The name holds the file's hash: a file of that name with as many bytes is the same.
        """
        size = file.stat().st_size

        def is_it(known: Mapping[str, Any]) -> bool:
            is_same = (known.get("filename"), known.get("bytes")) == (name, size)
            return is_same and known.get("status") != "error"

        def look_then_upload() -> tuple[str, bool]:
            with suppress(openai.NotFoundError):  # a server without this call gets the file again
                for known in _each_once(self._client.files.list(purpose="fine-tune")):
                    if is_it(known.to_dict()):
                        return known.id, False
            with file.open("rb") as content:
                sent = self._client.files.create(
                    file=(name, content, "application/jsonl"),
                    purpose="fine-tune",
                    timeout=Timeout(10 * self.pace.answer_s, connect=self.pace.answer_s),
                )
            return sent.id, True

        return self._patiently(look_then_upload)

    def wait_for_file(self, file_id: str) -> None:
        """Wait until the provider has read a file: it accepts no job on it before."""
        deadline = time.monotonic() + self.pace.settle_s
        while time.monotonic() < deadline:  # some servers never say that they are done
            file = self._patiently(lambda: self._client.files.retrieve(file_id).to_dict())
            if (status := file.get("status")) == "error":
                raise ProviderError(
                    f"{self.host} cannot use the uploaded file"
                    f" ({file.get('status_details') or 'it gives no reason'})."
                    " Prepare the data again, then run the same command."
                )
            if status in ("processed", None):
                return
            time.sleep(self.pace.first_pause_s)

    def download(self, file_id: str) -> bytes:
        """A file's content. Raises Missing if the provider no longer keeps it."""
        return self._patiently(lambda: self._client.files.content(file_id).read())

    def create_job(self, body: Mapping[str, Any], key: str) -> Job:  # Any: as in the API
        """Start a job, in one try. Raises Unanswered if the outcome is unknown."""
        # OpenAI does not promise to honour the header; a provider that does prevents a second job.
        header = {"Idempotency-Key": key}
        jobs = self._client.fine_tuning.jobs
        return self._ask(lambda: Job.read(jobs.create(**body, extra_headers=header)))

    def job(self, job_id: str) -> Job:
        """A job as it is now. Raises Missing."""
        jobs = self._client.fine_tuning.jobs
        return self._patiently(lambda: Job.read(jobs.retrieve(job_id)), self.pace.follow_s)

    def jobs(self) -> list[Job]:
        """Every job of this key's project, newest first."""
        jobs = self._client.fine_tuning.jobs
        return self._patiently(lambda: [Job.read(j) for j in _each_once(jobs.list(limit=_PAGE))])

    def events(self, job_id: str, seen: set[str]) -> list[Event]:
        """Events of a job that are not in `seen` yet, oldest first; adds them to it.

        One try: they are for people to read, and the next look brings any that this one missed.
        """
        list_events = self._client.fine_tuning.jobs.list_events

        def new() -> list[Event]:
            listed = _each_once(list_events(job_id, limit=_PAGE), ends_with=seen)
            return [Event.read(event) for event in listed][::-1]

        try:
            events = self._ask(new)
        except (Unanswered, ProviderError):
            return []
        seen.update(event.id for event in events)
        return events

    def cancel(self, job_id: str) -> Job:
        """End a job. Raises Missing, or ProviderError if it has ended already."""
        jobs = self._client.fine_tuning.jobs
        return self._patiently(lambda: Job.read(jobs.cancel(job_id)))

    # --- retries

    def _patiently(self, call: Callable[[], _T], limit_s: float | None = None) -> _T:
        """Retry until an answer comes. Says once that it takes long.

        Raises ProviderError after `limit_s`.
        """
        limit_s = self.pace.set_up_s if limit_s is None else limit_s
        pauses = Pauses(self.pace, limit_s, self.say)
        while True:
            try:
                return self._ask(call)
            except Unanswered as e:
                pauses.wait(e)

    def _ask(self, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except openai.APIError as e:
            raise self._translated(e) from e
        # The library stumbles over broken JSON, and hands a web page through as text.
        except (ValueError, AttributeError, KeyError) as e:
            raise Unanswered(f"{self.host} sent an answer that makes no sense.") from e

    def _translated(self, error: openai.APIError) -> TrainerError:
        reason = _reason(error)
        match error:
            case openai.APITimeoutError():
                return Unanswered(f"{self.host} does not answer.")
            case openai.APIConnectionError():
                return Unanswered(f"{self.host} cannot be reached.")
            case openai.RateLimitError(code="insufficient_quota"):
                return ProviderError(
                    f"{self.host} says that your quota is used up: {reason}"
                    " Look at the billing page there, then run the same command again."
                )
            case openai.RateLimitError():
                return Busy(f"{self.host} takes no more requests at the moment (HTTP 429).")
            case openai.AuthenticationError():
                return ProviderError(
                    f"{self.host} refused the key. Check OPENAI_API_KEY, and OPENAI_BASE_URL if"
                    " the key is another provider's."
                )
            case openai.PermissionDeniedError() if "scope" in reason.lower():
                return ProviderError(
                    f"The key may not do this at {self.host} (HTTP 403: {reason})"
                    " Give it the permissions for files, models and fine-tuning, or take another."
                )
            case openai.PermissionDeniedError():
                return ProviderError(
                    f"This organisation can no longer fine-tune at {self.host} (HTTP 403: {reason})"
                    f" {CLOSED}"
                )
            case openai.NotFoundError():
                return Missing(
                    f"{self.host} does not know what was asked for (HTTP 404: {reason})"
                    " Check the name, OPENAI_BASE_URL, and whether the key is the right one."
                )
            case openai.APIStatusError(status_code=code) if code >= 500 or code in (408, 409):
                return Unanswered(f"{self.host} has a fault (HTTP {code}).")
            case openai.APIStatusError(status_code=code):
                return ProviderError(
                    f"{self.host} refused the request (HTTP {code}): {reason}"
                    " Mend what it names, then run the same command again."
                )
            case _:
                return Unanswered(f"{self.host} sent an answer that makes no sense.")


class Pauses:
    """Growing pauses between tries; gives up after `limit_s`."""

    def __init__(self, pace: Pace, limit_s: float, say: Callable[[str], None]) -> None:
        self._next_s, self._limit_s, self._say = pace.first_pause_s, limit_s, say
        self._started, self._tries = time.monotonic(), 0

    def wait(self, error: Unanswered) -> None:
        """Sleep before the next try. Raises ProviderError after `limit_s`."""
        self._tries += 1
        if time.monotonic() - self._started + self._next_s > self._limit_s:
            raise ProviderError(
                f"{error} It was tried {self._tries} times. Run the same command again later:"
                " it goes on where it was, and starts nothing twice."
            ) from error
        if self._tries == 3:
            self._say(f"{error} Trying again with growing pauses; what runs there goes on.")
        time.sleep(self._next_s)
        self._next_s = min(2 * self._next_s, 60.0)


class _HasId(Protocol):
    id: str


H = TypeVar("H", bound=_HasId)


def _each_once(rows: Iterable[H], ends_with: set[str] | None = None) -> Iterator[H]:
    """Rows of all pages, up to one of `ends_with`.

    Stops at a row seen before: some servers send the same page for ever.
    """
    seen = set(ends_with or ())
    for row in rows:
        if row.id in seen:
            return
        seen.add(row.id)
        yield row


def _reason(error: openai.APIError) -> str:
    """The provider's error, as one sentence."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    text = " ".join(str(said or "no reason given").split())[:300]
    return text if text.endswith((".", "!", "?")) else f"{text}."
