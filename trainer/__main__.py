"""The command line of the trainer: `python -m trainer prepare|...`.

Reads arguments, runs one command, and turns what goes wrong into a sentence and an exit code:
0 done, 2 a TrainerError or a wrong argument, 130 interrupted. Each command's module is imported
only when that command runs, so that `prepare` never waits for torch.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from trainer import dataset
from trainer.base_model import DEFAULT
from trainer.errors import TrainerError
from trainer.recipe import Recipe

Subparsers = argparse._SubParsersAction  # argparse names the type of add_subparsers() only so


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    args = build_parser().parse_args(argv)
    try:
        args.run(args)
    except TrainerError as e:
        print(e, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "Interrupted. Run the same command again: a training goes on from its last checkpoint,"
            " everything else starts over.",
            file=sys.stderr,
        )
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; each `add_…` below adds one command and sets its `run`."""
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_prepare(commands)
    add_train(commands)
    return parser


def add_prepare(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `prepare ARCHIVE --out DATA`."""
    parser = commands.add_parser("prepare", help="turn an archive of posts into training data")
    option = parser.add_argument
    option("archive", type=Path, metavar="ARCHIVE", help="X archive (zip, folder, .js), JSONL, CSV")
    option("--out", type=Path, metavar="DATA", required=True, help="folder to write")
    option(
        "--ner",
        metavar="tweetnlp[:MODEL]",
        help="find names with tweetnlp too: its default model, a model's id, or a folder",
    )
    option("--validation", type=_share, default=0.2, metavar="SHARE", help="newest share (0.2)")
    option("--seed", type=int, default=0, help="noted in dataset.json for the training (0)")
    option("--with-replies", action="store_true", help="keep replies to other people too")
    option("--with-quotes", action="store_true", help="keep quotes of other people's posts too")
    parser.set_defaults(run=_run_prepare)


def _run_prepare(args: argparse.Namespace) -> None:
    from trainer.prepare import Options, prepare  # noqa: PLC0415 - commands are imported late

    options = Options(
        ner=args.ner,
        validation=args.validation,
        seed=args.seed,
        with_replies=args.with_replies,
        with_quotes=args.with_quotes,
    )
    prepare(args.archive, args.out, options, now=datetime.now(UTC))


def add_train(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `train DATA --voice NAME`; why the defaults are what they are: recipe.py."""
    parser = commands.add_parser("train", help="fine-tune a voice on prepared data")
    option, recipe = parser.add_argument, Recipe()
    option("data", type=Path, metavar="DATA", help="folder that prepare wrote")
    option("--voice", metavar="NAME", required=True, help="name of the voice: letters, digits, - _")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    option(
        "--base",
        metavar="MODEL",
        default=DEFAULT,
        help="another base model: a Hugging Face id or folder (SmolLM2-135M-Instruct)",
    )
    option("--epochs", type=_count, default=recipe.epochs, help="(%(default)s)")
    option("--rank", type=_count, default=recipe.rank, help="of the LoRA matrices (%(default)s)")
    option("--learning-rate", type=_rate, default=recipe.learning_rate, help="(%(default)s)")
    option("--batch-size", type=_count, default=recipe.batch_size, help="posts (%(default)s)")
    option("--max-tokens", type=_length, default=recipe.max_tokens, help="a post (%(default)s)")
    option(
        "--memory-tokens",
        type=_count,
        default=recipe.memory_tokens,
        help="in memory at once: fewer need less memory, more are faster on a GPU (%(default)s)",
    )
    option("--checkpoint-every", type=_count, default=recipe.checkpoint_every, metavar="STEPS")
    option("--seed", type=int, help="of the adapter and the order of posts (that of prepare)")
    option("--threads", type=_count, default=0, help="(every core)")
    option("--fresh", action="store_true", help="start anew instead of at the last checkpoint")
    parser.set_defaults(run=_run_train)


def _run_train(args: argparse.Namespace) -> None:
    from trainer.voice_folder import VoiceFolder  # noqa: PLC0415 - gguf is slow to import

    folder = VoiceFolder.named(args.voices, args.voice)
    data = dataset.load(args.data)
    args.seed = data.seed if args.seed is None else args.seed
    recipe = Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe)})
    console = Console(soft_wrap=True)
    with console.status("Starting torch …"):
        from trainer.local import train  # noqa: PLC0415 - seconds, and only for this command

    now = datetime.now(UTC)
    train(data, folder, recipe, args.base, fresh=args.fresh, now=now, console=console)


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is too small: give a whole number from 1")
    return count


def _length(text: str) -> int:
    if (length := int(text)) < 64:
        raise argparse.ArgumentTypeError(f"{text} is too short: a prompt and a post need 64 tokens")
    return length


def _rate(text: str) -> float:
    if not 0 < (rate := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no learning rate: give one up to 1, as 0.002")
    return rate


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share: give a number from 0 to below 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
