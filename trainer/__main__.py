"""The command line of the trainer: `python -m trainer prepare|...`.

Reads arguments, runs one command, and turns what goes wrong into a sentence and an exit code:
0 done, 2 a TrainerError or a wrong argument, 130 interrupted. Each command's module is imported
only when that command runs, so that `prepare` never waits for torch.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from trainer.commands import DATABASE, add_feedback, add_rank, add_report, add_taste
from trainer.data import dataset
from trainer.errors import DataError, TrainerError
from trainer.training.base_model import DEFAULT
from trainer.training.recipe import FEW_POSTS_EPOCHS, Recipe

if TYPE_CHECKING:
    from trainer.provider.job import OpenAI

Subparsers = argparse._SubParsersAction  # argparse names the type of add_subparsers() only so

INTERRUPTED = (
    "Interrupted. Run the same command again: a training goes on from its last checkpoint, an"
    " evaluation from its last draft, everything else starts over."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    args = build_parser().parse_args(argv)
    try:
        args.run(args)
    except TrainerError as e:
        print(e, file=sys.stderr)
        return 2
    except KeyboardInterrupt as e:
        print(str(e) or INTERRUPTED, file=sys.stderr)
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; each `add_…` below adds one command and sets its `run`."""
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_prepare(commands)
    add_train(commands)
    add_import_openai(commands)
    add_serve(commands)
    add_report(commands)
    add_feedback(commands)
    add_evaluate(commands)
    add_rank(commands)
    add_taste(commands)
    return parser


def add_prepare(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `prepare SOURCE ... --out DATA`; why the defaults are what they are: options.py."""
    parser = commands.add_parser("prepare", help="turn archives of posts into training data")
    option = parser.add_argument
    option("sources", type=Path, nargs="*", metavar="SOURCE", help="archives, folders or files")
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
    option("--with-retweets", action="store_true", help="keep retweets and boosts too")
    option("--with-private", action="store_true", help="keep posts for followers only too")
    option("--with-direct", action="store_true", help="keep posts to those they mention too")
    option(
        "--threads",
        choices=("keep", "join"),
        default="keep",
        help="of your own: single posts, or one post of each thread (%(default)s)",
    )
    option(
        "--language",
        type=_language,
        nargs="+",
        default=(),
        metavar="CODE",
        help="keep posts in these languages only, such as en de (all)",
    )
    option(
        "--personal",
        choices=("mask", "drop", "keep"),
        default="mask",
        help="e-mail addresses, phone numbers, bank accounts, cards, keys (%(default)s)",
    )
    option("--db", type=Path, metavar="FILE", help=f"{DATABASE}: leave out what the bot wrote")
    option("--explain", metavar="ID", help="say what became of a post of DATA")
    parser.set_defaults(run=_run_prepare)


def _run_prepare(args: argparse.Namespace) -> None:
    from trainer.bot_database import USUAL  # noqa: PLC0415 - commands are imported late
    from trainer.data.explain import explain  # noqa: PLC0415 - commands are imported late
    from trainer.data.options import Options  # noqa: PLC0415 - commands are imported late
    from trainer.data.prepare import prepare  # noqa: PLC0415 - commands are imported late

    if not args.sources and args.explain is None:
        raise DataError("Name the archives to prepare: a zip, a folder or a file, or several.")
    options = Options(
        ner=args.ner,
        validation=args.validation,
        seed=args.seed,
        with_replies=args.with_replies,
        with_quotes=args.with_quotes,
        with_retweets=args.with_retweets,
        with_private=args.with_private,
        with_direct=args.with_direct,
        threads=args.threads,
        languages=tuple(args.language),
        personal=args.personal,
    )
    if args.sources:
        prepare(args.sources, args.out, options, now=datetime.now(UTC), db=args.db)
        if args.db is None and USUAL.is_file():
            print(f"A bot's database is here: --db {USUAL} leaves out what the bot wrote.")
    if args.explain is not None:
        print("\n".join(explain(args.out, args.explain)))


def _language(text: str) -> str:
    from trainer.data.languages import is_code, normal_code  # noqa: PLC0415 - as above

    if not is_code(text):
        raise argparse.ArgumentTypeError(f"{text} is no language: give its code, such as en")
    return normal_code(text)


def add_train(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `train DATA --voice NAME`; why the defaults are what they are: recipe.py."""
    parser = commands.add_parser("train", help="fine-tune a voice on prepared data")
    option, recipe = parser.add_argument, Recipe()
    option("data", type=Path, metavar="DATA", help="folder that prepare wrote")
    option("--voice", metavar="NAME", required=True, help="name of the voice: letters, digits, - _")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    option(
        "--backend",
        choices=("local", "openai"),
        default="local",
        help="train here, or at a provider that has OpenAI's fine-tuning calls (local)",
    )
    option(
        "--base",
        metavar="MODEL",
        help="another base model: a Hugging Face id or folder (SmolLM2-135M-Instruct), or what a"
        " provider offers (gpt-4.1-mini)",
    )
    option(
        "--tokens", type=_count, default=recipe.tokens, help="an epoch, newest first (%(default)s)"
    )
    option("--epochs", type=_count, default=recipe.epochs, help="(2; with many posts 1)")
    option(
        "--patience",
        type=_count,
        default=recipe.patience,
        help="stop after so many epochs without a lower validation loss (%(default)s)",
    )
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
    add_provider_options(parser)
    parser.set_defaults(run=_run_train)


def add_provider_options(parser: argparse.ArgumentParser) -> None:
    """Add what only a provider needs; OPENAI_BASE_URL and OPENAI_API_KEY say which it is."""
    option = parser.add_argument_group("with --backend openai").add_argument
    option("--method", choices=("supervised", "dpo"), default="supervised", help="(supervised)")
    option("--preferences", type=Path, metavar="FILE", help="pairs for dpo, in OpenAI's JSON lines")
    option("--beta", type=_beta, help="of dpo, up to 2: how near to the base (the provider's own)")
    option("--price", type=_price, metavar="PER_MILLION", help="of training tokens, to say the sum")
    option("--yes", action="store_true", help="upload and pay without being asked")
    option("--cancel", action="store_true", help="end the job of this voice")
    option("--poll", type=_price, default=10.0, metavar="SECONDS", help="between two looks (10)")


def _run_train(args: argparse.Namespace) -> None:
    from trainer.backends import Backend, Local  # noqa: PLC0415 - commands are imported late
    from trainer.training.voice_folder import VoiceFolder  # noqa: PLC0415

    folder = VoiceFolder.named(args.voices, args.voice)
    if args.method == "dpo" and args.backend == "local":
        raise DataError(
            "--method dpo needs --backend openai. On this machine a voice learns from decisions by"
            f" `python -m trainer taste {args.voice} --learn LIKED --train"
            f" {shlex.quote(str(args.data))}`, LIKED being the folder that feedback wrote."
        )
    data = dataset.load(args.data)
    args.seed = data.seed if args.seed is None else args.seed
    recipe = Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe)})
    console = Console(soft_wrap=True)
    backend: Backend
    if args.backend == "openai":
        backend = _provider_backend(args, recipe, console)
    elif args.cancel:
        raise DataError("--cancel needs --backend openai.")
    else:
        backend = Local(recipe, args.base or DEFAULT)
    backend.train(data, folder, fresh=args.fresh, now=datetime.now(UTC), console=console)


def _provider_backend(args: argparse.Namespace, recipe: Recipe, console: Console) -> "OpenAI":
    from trainer.provider import client, job  # noqa: PLC0415 - a second

    ours = ("epochs", "patience", "checkpoint_every", "seed")
    fixed = [field.name for field in fields(Recipe) if field.name not in ours]
    if wrong := [n for n in fixed if getattr(recipe, n) != getattr(Recipe(), n)]:
        flags = ", ".join("--" + name.replace("_", "-") for name in wrong)
        raise DataError(f"A provider chooses {flags} itself: leave it out, or use --backend local.")
    if recipe.epochs > 50:
        raise DataError("A provider trains for up to 50 epochs: give a smaller --epochs.")
    say = partial(console.print, highlight=False, markup=False)
    return job.OpenAI(
        client.Provider.from_environment(os.environ, client.Pace(args.poll), say),
        job.Order(
            model=args.base or job.DEFAULT_MODEL,
            method=args.method,
            preferences=args.preferences,
            epochs=recipe.epochs or FEW_POSTS_EPOCHS,
            beta=args.beta,
            seed=recipe.seed,
        ),
        price=args.price,
        agreed=args.yes,
        is_cancelling=args.cancel,
    )


def add_import_openai(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `import-openai JOB_ID_OR_FILE`."""
    parser = commands.add_parser(
        "import-openai", help="turn an earlier OpenAI fine-tune's files into data for a local voice"
    )
    option = parser.add_argument
    option("source", metavar="JOB_ID_OR_FILE", help="ftjob-…, or the JSONL that was uploaded")
    option("--validation-file", type=Path, metavar="FILE", help="(the last fifth of the other)")
    option("--out", type=Path, metavar="DATA", default=Path("imported"), help="(imported)")
    option("--voice", metavar="NAME", help="train this voice on it right away")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    parser.set_defaults(run=_run_import_openai)


def _run_import_openai(args: argparse.Namespace) -> None:
    from trainer.backends import Local  # noqa: PLC0415 - commands are imported late
    from trainer.provider.client import Pace, Provider  # noqa: PLC0415
    from trainer.provider.import_openai import import_openai  # noqa: PLC0415
    from trainer.training.voice_folder import VoiceFolder  # noqa: PLC0415

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
    Local(Recipe(seed=data.seed), DEFAULT).train(
        data, folder, fresh=False, now=now, console=console
    )


def add_serve(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `serve [VOICE ...]`."""
    parser = commands.add_parser("serve", help="serve local voices to any client of OpenAI's API")
    option = parser.add_argument
    option("voice", metavar="VOICE", nargs="*", help="voices to serve (every one that can be)")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    option("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    option("--port", type=_port, default=8080, help="0 takes a free one (%(default)s)")
    option("--base-gguf", type=Path, metavar="FILE", help="GGUF of another base than the default")
    option("--threads", type=_count, default=0, help="(every core)")
    parser.set_defaults(run=_run_serve)


def _run_serve(args: argparse.Namespace) -> None:
    try:
        from trainer.serve import serve  # noqa: PLC0415 - the bot's libraries, for this command only
    except ModuleNotFoundError as e:
        raise TrainerError(
            f"Serving needs {e.name}, which is not installed here. Run `make install`."
        ) from e

    serve(args.voices, args.voice, args.base_gguf, args.threads, args.host, args.port)


def add_evaluate(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `evaluate VOICE`."""
    parser = commands.add_parser("evaluate", help="measure whether a voice sounds like its author")
    option = parser.add_argument
    option("voice", metavar="VOICE", help="name of the voice")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    option("--data", type=Path, metavar="DATA", help="folder that prepare wrote, for older voices")
    option("--drafts", type=_count, default=300, metavar="N", help="at most (%(default)s)")
    option("--seed", type=int, default=0, help="of what is chosen at random (%(default)s)")
    option("--no-floors", action="store_true", help="compare with nothing untrained: faster")
    option("--fresh", action="store_true", help="draw every draft anew")
    parser.set_defaults(run=_run_evaluate)


def _run_evaluate(args: argparse.Namespace) -> None:
    try:
        from trainer.judging.evaluate import Options, evaluate  # noqa: PLC0415 - the bot's libraries
    except ModuleNotFoundError as e:
        raise TrainerError(
            f"Evaluating needs {e.name}, which is not installed here. Run `make install`."
        ) from e
    from trainer.training.voice_folder import VoiceFolder  # noqa: PLC0415

    with_floors = not args.no_floors
    options = Options(args.data, args.drafts, args.seed, with_floors, is_fresh=args.fresh)
    evaluate(VoiceFolder.named(args.voices, args.voice), options, Console())


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is too small: give a whole number from 1")
    return count


def _port(text: str) -> int:
    if not 0 <= (port := int(text)) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number up to 65535")
    return port


def _length(text: str) -> int:
    if (length := int(text)) < 64:
        raise argparse.ArgumentTypeError(f"{text} is too short: a prompt and a post need 64 tokens")
    return length


def _rate(text: str) -> float:
    if not 0 < (rate := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no learning rate: give one up to 1, as 0.002")
    return rate


def _price(text: str) -> float:
    if not 0 < (price := float(text)) < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return price


def _beta(text: str) -> float:
    if not 0 < (beta := float(text)) <= 2:
        raise argparse.ArgumentTypeError(f"{text} is no beta: give one up to 2, as 0.1")
    return beta


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share: give a number from 0 to below 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
