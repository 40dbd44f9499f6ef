"""Keeps the drafts of an evaluation in <voices>/.<name>.evaluation/ until the voice changes.

So an interrupted run goes on, and a second one measures the same drafts.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import Progress

from bot.voice import Prompt, PromptParts, Voice, VoicePost
from bot.voice.ranker import Ranker
from bot.writing.composing import drawn_for
from trainer.drawing.draw import MAX_CHARS, draw_all
from trainer.errors import DataError
from trainer.training.voice_folder import VoiceFolder

CANDIDATES = 4  # shown in Discord; the first is judged
NAMES = {
    "voice": "the voice",
    "again": "the voice again",
    "base": "base model",
    "examples": "base, 5 examples",
    "notes": "the voice, from notes",
    "notes-examples": "base, 5 examples, from notes",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draws on the topics of posts, in a voice or from its base model."""

    folder: VoiceFolder
    voice: Voice
    posts: Sequence[VoicePost]
    is_fresh: bool  # discard the kept drafts
    bar: Progress

    def draw(
        self, name: str, asked: Sequence[PromptParts], prompt: Prompt | None = None
    ) -> list[list[str]]:
        """All texts drawn for each post, asked for like this; the shown ones are chosen from them.

        With a prompt, only one text of the bare base model. Raises DataError or ServeError.
        """
        count = 1 if prompt else CANDIDATES
        file = self._file(name, self._key(prompt, count))
        drawn = {} if self.is_fresh else read_kept(file)
        todo = list(zip(map(name_of, self.posts, asked), asked, strict=True))
        missing = [row for row in todo if row[0] not in drawn]
        total, done = len(self.posts), len(self.posts) - len(missing)
        task = self.bar.add_task(f"Drafting: {NAMES[name]}", total=total, completed=done)
        with file.open("w" if self.is_fresh else "a", encoding="utf-8") as lines:
            lines.write("\n")  # a kill may have cut the last line

            def keep(number: int, texts: list[str]) -> None:
                text, _ = missing[number]
                drawn[text] = texts
                print(json.dumps([text, texts]), file=lines, flush=True)
                self.bar.advance(task)

            if missing:
                place, parts = self.folder.place, [parts for _, parts in missing]
                draw_all(place, parts, count, base_prompt=prompt, on_draft=keep)
        return [drawn[text] for text, _ in todo]

    def _key(self, prompt: Prompt | None, count: int) -> str:
        """A hash of all that the drafts depend on."""
        voice = self.voice
        about = asdict(voice) | {"metrics": {}, "colder": asdict(voice.colder().sampling)}
        if prompt:  # the base model is the same, however the voice was trained
            about = {key: about[key] for key in ("base", "sampling", "data_sha256")}
            about["prompt"] = asdict(prompt)
        # the ranker's choice counts when they are measured; here only how many it chooses from
        asked = drawn_for(count, None if prompt else Ranker.load(self.folder.place))
        digest = hashlib.sha256(json.dumps([about, count, asked, MAX_CHARS]).encode())
        weights = self.folder.place / voice.model
        if not prompt and weights.is_file():
            digest.update(weights.read_bytes())
        return digest.hexdigest()[:16]

    def _file(self, name: str, key: str) -> Path:
        """The file of these drafts; removes those of earlier voices."""
        kept = self.folder.evaluation
        try:
            kept.mkdir(mode=0o700, exist_ok=True)  # posts lie in there
            file = kept / f"{name}-{key}.jsonl"
            for other in set(kept_files(kept, name)) - {file}:
                other.unlink()
            file.touch()
        except OSError as e:
            raise DataError(
                f"The drafts cannot be kept in {kept} ({e.strerror}). Name a folder of voices that"
                " you may write to with --voices."
            ) from e
        return file


def kept_files(folder: Path, name: str) -> list[Path]:
    """The files of one name: "notes-0123456789abcdef.jsonl", but no "notes-examples-…"."""
    return [f for f in folder.glob(f"{name}-*.jsonl") if "-" not in f.stem[len(name) + 1 :]]


def name_of(post: VoicePost, asked: PromptParts) -> str:
    """What a draft is kept by: its post, and what was asked besides the post's own topic."""
    if asked == PromptParts(post.topic):
        return post.text
    return "\n".join(filter(None, (asked.topic, asked.notes, post.text)))


def read_kept(file: Path) -> dict[str, list[str]]:
    """The texts drawn on the topic of each post, by its text; skips a cut line."""
    drawn: dict[str, list[str]] = {}
    for line in file.read_text("utf-8").splitlines():
        with suppress(ValueError):
            text, texts = json.loads(line)
            drawn[text] = texts
    return drawn
