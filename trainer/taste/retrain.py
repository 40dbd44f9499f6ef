"""`taste --train`: a voice learns anew from those of its author's posts that its owner likes.

What decisions have in common (liking.py) chooses among the posts that the voice learnt from, and
its adapter goes on from where it is with these. No draft is ever learnt from, so the voice stays
the author's. The new voice draws on held-out topics and is compared with the old one; it takes its
place if nothing got worse, and the old one is kept for `--forget`. LOG.md has the figures.
"""

import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from bot.voice import Voice
from bot.voice.ranker import Ranker, drawn_key
from trainer.data import dataset
from trainer.data.dataset import Dataset
from trainer.data.folder import Example
from trainer.data.summary import progress_bar
from trainer.drawing.kept import Drawing
from trainer.errors import DataError
from trainer.judging.evaluate import choose
from trainer.taste.gate import Gate
from trainer.taste.preference_model import Taste
from trainer.training import base_model
from trainer.training.recipe import Recipe
from trainer.training.voice_folder import VoiceFolder

TOKENS = 6_000  # of posts: a minute on two cores; twice as many moved voices too far (LOG.md)
LEARNING_RATE = 3e-4
STILL_TRUE = {"bits_per_char_base", "distinct_2_real"}  # measures of what training does not change
JUDGED = 150  # held-out posts: half of what an evaluation takes, and of its time


def start_of(folder: VoiceFolder) -> VoiceFolder:
    """The voice to go on from: as it was before it learnt a taste, so that tastes do not add up."""
    return folder.before if folder.before.place.exists() else folder


def expect_own(voice: Voice, prepared: Path, base: str | None) -> Dataset:
    """The posts that the voice learnt from. Raises DataError if it cannot go on with them.

    `base` says where the base model is, if its name does not.
    """
    if voice.backend != "local":
        raise DataError(
            f"The voice {voice.name} is a provider's and goes on to learn there: `train --backend"
            " openai --method dpo`. Without --train its drafts are chosen by taste."
        )
    model = base or voice.base.name
    if base_model.base_of(model) != voice.base:
        raise DataError(
            f"{model} is not the base model that {voice.name} learnt on, {voice.base.name}. Name"
            " that one's folder with --base."
        )
    return dataset.load_own(prepared, voice)


def retrain(
    folder: VoiceFolder,
    data: Dataset,
    base: str | None,
    learnt: Taste,
    *,
    now: datetime,
    console: Console,
) -> VoiceFolder:
    """Train the voice's trial on the posts that the taste likes. Raises a TrainerError."""
    from trainer.training.finetune import train  # noqa: PLC0415 - torch: seconds, and only for this

    start, trial = start_of(folder).place, folder.trial
    old, adapter = Voice.load(start), start / "adapter"
    liked = replace(data, train=by_liking(data, learnt))
    recipe = Recipe(tokens=TOKENS, epochs=1, learning_rate=LEARNING_RATE, seed=data.seed)
    model = base or old.base.name
    train(liked, trial, recipe, model, fresh=False, now=now, console=console, start=adapter)
    new = Voice.load(trial.place)
    kept = {name: old.metrics[name] for name in STILL_TRUE & old.metrics.keys()}
    replace(new, metrics=new.metrics | kept).save(trial.place)
    replace(Ranker.load(start) or Ranker({}), taste={}).save(trial.place)
    return trial


def draw(trial: VoiceFolder, before: Gate) -> None:
    """Let the trial draw on held-out topics that the old voice drew on. Raises a TrainerError."""
    posts = choose(before.asked, JUDGED, seed=0)
    with progress_bar(Console(stderr=True)) as bar:
        Drawing(trial, Voice.load(trial.place), posts, is_fresh=False, bar=bar).draw("voice")


def by_liking(data: Dataset, learnt: Taste) -> list[Example]:
    """The examples, those that the taste likes last; drawn by its odds, as drafts are.

    Always those it likes most would be a few kinds of post again and again.
    """
    chance = random.Random(data.seed)  # noqa: S311 - no secret

    def key(example: Example) -> float:
        return drawn_key(learnt.score(example.completion), chance)

    return sorted(data.train, key=key)
