"""`import-openai JOB_ID_OR_FILE`."""

import argparse
import os
import shlex
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from trainer.commands.arguments import add_voices

DESCRIPTION = """\
Turns the files of an earlier fine-tune at OpenAI into data that a voice can
be trained on here. The assistant's texts become the posts, the user's
messages their topics. Lines without a text to learn from are left out and
counted.

OpenAI ends these fine-tunes on 14 January 2027: docs/elsewhere.md."""
EXAMPLES = """\
examples:
  python -m trainer import-openai ftjob-abc123 --voice me
  python -m trainer import-openai train.jsonl --validation-file check.jsonl"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option(
        "source",
        metavar="JOB_ID_OR_FILE",
        help="the job's id, ftjob-…, whose files are fetched with OPENAI_API_KEY, or the JSON lines"
        " that were uploaded",
    )
    option(
        "--validation-file",
        type=Path,
        metavar="FILE",
        help="the validation file (default: the last fifth of the other one)",
    )
    option(
        "--out",
        type=Path,
        metavar="DATA",
        default=Path("imported"),
        help="folder to write (default: %(default)s)",
    )
    option(
        "--voice",
        metavar="NAME",
        help="train this voice on it right away (default: only write the folder)",
    )
    add_voices(parser)


def run(args: argparse.Namespace) -> None:
    """Write the folder, and train if a voice is named."""
    from rich.console import Console

    from trainer.commands.train import train_here
    from trainer.data import dataset
    from trainer.provider.client import Pace, Provider
    from trainer.provider.import_openai import import_openai
    from trainer.training.base_model import DEFAULT
    from trainer.training.recipe import Recipe
    from trainer.training.voice_folder import VoiceFolder

    console, now = Console(soft_wrap=True), datetime.now(UTC)
    folder = VoiceFolder.named(args.voices, args.voice) if args.voice else None
    connect = partial(Provider.from_environment, os.environ, Pace(), console.print)
    import_openai(args.source, args.validation_file, args.out, connect, now=now, console=console)
    if folder is None:
        console.print(
            f"Next: python -m trainer train {shlex.quote(str(args.out))} --voice NAME",
            highlight=False,
        )
        return
    data = dataset.load(args.out)
    recipe = Recipe(seed=data.seed)
    train_here(data, folder, recipe, DEFAULT, fresh=False, now=now, console=console)
