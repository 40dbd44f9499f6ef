"""`train DATA --voice NAME`: here or at a provider. recipe.py has the reasons for the defaults."""

import argparse
import os
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.voice import VoiceError
from trainer.commands.arguments import (
    ABOVE_0,
    POSITIVE,
    SEED,
    WHOLE_NUMBER,
    Group,
    add_voices,
    number,
)
from trainer.errors import DataError, ServeError
from trainer.training.recipe import Recipe

if TYPE_CHECKING:
    from rich.console import Console

    from trainer.data.dataset import Dataset
    from trainer.provider.job import OpenAI
    from trainer.training.voice_folder import VoiceFolder

DESCRIPTION = """\
Fine-tunes a voice on what prepare wrote, and writes the folder VOICES/NAME:
that folder is the voice. It takes at least 40 posts, and likes a few hundred;
200 take about three minutes on two cores. Run the same command again after an
interruption: it goes on where it was. The best epoch is kept in any case.

Larger models, GPUs and providers: docs/elsewhere.md."""
EXAMPLES = """\
examples:
  python -m trainer train data --voice me
  python -m trainer train data --voice me --tokens 200000 --epochs 2
  python -m trainer train data --voice me --base gemma-3-270m
  python -m trainer train data --voice me --base Qwen/Qwen3-1.7B
  python -m trainer train data --voice me --backend openai --price 5"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.usage = "%(prog)s DATA --voice NAME [flags]"
    option = parser.add_argument
    option("data", type=Path, metavar="DATA", help="folder that prepare wrote")
    option(
        "--voice",
        metavar="NAME",
        required=True,
        help="name of the voice: up to 64 letters, digits, - and _; one that exists is replaced"
        " when the new one is complete",
    )
    add_voices(parser)
    option(
        "--fresh",
        action="store_true",
        help="start anew instead of at the last checkpoint, or at the provider's job",
    )
    option(
        "--backend",
        choices=("local", "openai"),
        default="local",
        help="train on this machine, or at a provider that has OpenAI's fine-tuning calls"
        " (default: %(default)s)",
    )
    option(
        "--base",
        metavar="MODEL",
        help="another base model: gemma-3-270m (python -m bot install-gemma), a Hugging Face id or"
        " a folder (default: SmolLM2-135M-Instruct, or for posts in another language than English"
        " Gemma, if it is installed), or with --backend openai a model of the provider (default:"
        " gpt-4.1-mini)",
    )
    _add_amounts(parser.add_argument_group("how much to learn, and with what"))
    recipe = "the recipe (measured defaults; rarely worth changing)"
    _add_recipe(parser.add_argument_group(recipe))
    _add_provider(parser.add_argument_group("with --backend openai"))


def _add_amounts(group: Group) -> None:
    option, recipe = group.add_argument, Recipe()
    option(
        "--tokens",
        type=WHOLE_NUMBER,
        default=recipe.tokens,
        metavar="N",
        help="tokens read an epoch, those of the newest posts, the newest last (default:"
        " %(default)s: about seven minutes on two cores, 700 to 1,300 posts). More learn more: an"
        " archive read whole takes hours",
    )
    option(
        "--epochs",
        type=WHOLE_NUMBER,
        default=recipe.epochs,
        metavar="N",
        help="times the posts are read (default: 1; at a provider 2)",
    )
    option(
        "--memory-tokens",
        type=WHOLE_NUMBER,
        default=recipe.memory_tokens,
        metavar="N",
        help="tokens in memory at once, about 2 MB each with the default base (default:"
        " %(default)s). Lower it if memory runs out, or if Linux ends the training with nothing but"
        " “Killed”: it goes on where it was. More are faster on a GPU",
    )
    option(
        "--threads",
        type=WHOLE_NUMBER,
        default=recipe.threads,
        metavar="N",
        help="CPU threads (default: one for every core)",
    )
    option(
        "--seed",
        type=SEED,
        metavar="N",
        help="seed of the adapter's first weights and the order of the posts: the same seed on the"
        " same data gives the same voice (default: that of prepare)",
    )


def _add_recipe(group: Group) -> None:
    option, recipe = group.add_argument, Recipe()
    option(
        "--rank",
        type=WHOLE_NUMBER,
        default=recipe.rank,
        metavar="N",
        help="rank of the LoRA matrices, on every linear layer (default: %(default)s)",
    )
    option(
        "--learning-rate",
        type=number(float, ABOVE_0, 1, "no learning rate: give one above 0, up to 1, as 0.002"),
        default=recipe.learning_rate,
        metavar="X",
        help="learning rate at its highest, up to 1 (default: 0.001, of Gemma 0.0004; from a"
        " billion parameters on 0.0002 is usual)",
    )
    option(
        "--batch-size",
        type=WHOLE_NUMBER,
        default=recipe.batch_size,
        metavar="N",
        help="posts a step (default: %(default)s; several GPUs share them, and want more)",
    )
    option(
        "--patience",
        type=WHOLE_NUMBER,
        default=recipe.patience,
        metavar="N",
        help="epochs in a row without a lower loss on the validation posts that end the training"
        " (default: %(default)s): a larger --epochs is safe",
    )
    option(
        "--max-tokens",
        type=number(
            int, 64, float("inf"), "not a whole number from 64 on: a prompt and a post need 64"
        ),
        default=recipe.max_tokens,
        metavar="N",
        help="tokens of a prompt and its post, from 64 on: longer posts are cut (default:"
        " %(default)s)",
    )
    option(
        "--checkpoint-every",
        type=WHOLE_NUMBER,
        default=recipe.checkpoint_every,
        metavar="STEPS",
        help="steps between two checkpoints (default: %(default)s: half a minute's work is lost at"
        " most)",
    )


def _add_provider(group: Group) -> None:
    """Add the flags for a provider, which OPENAI_BASE_URL and OPENAI_API_KEY name."""
    option = group.add_argument
    group.description = (
        "OPENAI_API_KEY in the environment is the provider's key, OPENAI_BASE_URL its\n"
        "address (default: OpenAI's own)."
    )
    option(
        "--method",
        choices=("supervised", "dpo"),
        default="supervised",
        help="learn from the posts, or by DPO from pairs of a preferred and another text (default:"
        " %(default)s)",
    )
    option(
        "--preferences",
        type=Path,
        metavar="FILE",
        help="the pairs for dpo, in OpenAI's JSON lines, as feedback writes them",
    )
    option(
        "--beta",
        type=number(float, ABOVE_0, 2, "no beta: give one above 0, up to 2, as 0.1"),
        metavar="X",
        help="of dpo, up to 2: the higher, the nearer to the base model (default: the provider's)",
    )
    option(
        "--price",
        type=POSITIVE,
        metavar="PER_MILLION",
        help="price of a million training tokens, to say what the job costs (default: not said)",
    )
    option("--yes", action="store_true", help="upload and pay without being asked")
    option("--cancel", action="store_true", help="end the job of this voice")
    option(
        "--poll",
        type=POSITIVE,
        default=10.0,
        metavar="SECONDS",
        help="seconds between two looks at the job (default: %(default)g)",
    )


def run(args: argparse.Namespace) -> None:
    """Train here, or have a provider train."""
    from rich.console import Console

    from trainer.data import dataset
    from trainer.training.voice_folder import VoiceFolder

    folder = VoiceFolder.named(args.voices, args.voice)
    if args.method == "dpo" and args.backend == "local":
        raise DataError(
            "--method dpo needs --backend openai. On this machine decisions teach which drafts to"
            f" show: `python -m trainer taste {args.voice} --learn LIKED`, LIKED being the folder"
            " that feedback wrote."
        )
    data = dataset.load(args.data)
    args.seed = data.seed if args.seed is None else args.seed
    recipe = Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe)})
    console, now = Console(soft_wrap=True), datetime.now(UTC)
    if args.backend == "openai":
        provider = _provider(args, recipe, console)
        provider.train(data, folder, fresh=args.fresh, now=now, console=console)
    elif args.cancel:
        raise DataError("--cancel needs --backend openai.")
    else:
        base = args.base or base_for(data, console)
        train_here(data, folder, recipe, base, fresh=args.fresh, now=now, console=console)


def base_for(data: "Dataset", console: "Console") -> str:
    """The base that knows the language of most posts, if one is installed; says so."""
    from babel import Locale

    from bot.voice.tongues import main_languages
    from bot.voice.weights import DEFAULT_BASE, GEMMA_FILE
    from trainer.training.bases import EMBEDDED, GEMMA

    language = next(iter(main_languages([example.completion for example in data.train])), None)
    if language is None or language in (EMBEDDED[DEFAULT_BASE.name].languages or ()):
        return DEFAULT_BASE.name
    said = f"Most of these posts are in {Locale('en').languages.get(language, language)}"
    if GEMMA_FILE.is_file():
        console.print(
            f"{said}, so the voice continues Gemma 3 270M; --base {DEFAULT_BASE.name} is the other"
            " base, which knows English only.",
            highlight=False,
        )
        return GEMMA
    console.print(
        f"{said}, and the base model SmolLM2 knows English only, so what this voice writes will"
        " make little sense: `make install-gemma` installs one that knows it; then run this again.",
        highlight=False,
    )
    return DEFAULT_BASE.name


def train_here(
    data: "Dataset",
    folder: "VoiceFolder",
    recipe: Recipe,
    base: str,
    *,
    fresh: bool,
    now: datetime,
    console: "Console",
) -> None:
    """Fine-tune a LoRA adapter on this machine, then fit the ranker of its drafts."""
    with console.status("Starting torch …"):
        from trainer.training.finetune import train

    if not train(data, folder, recipe, base, fresh=fresh, now=now, console=console):
        return
    console.print(f"The voice {folder.name} is ready in {folder.place}.")
    from trainer.drawing.ranking import rank  # after the training, which needs the memory

    try:
        rank(folder.place, console)
    except (DataError, ServeError, VoiceError) as e:
        console.print(f"Its drafts are not ranked. {e}", highlight=False, markup=False)


def _provider(args: argparse.Namespace, recipe: Recipe, console: "Console") -> "OpenAI":
    from trainer.provider import client, job

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
            model=args.base or job.DEFAULT_PROVIDER_MODEL,
            method=args.method,
            preferences=args.preferences,
            epochs=recipe.epochs or job.DEFAULT_EPOCHS,
            beta=args.beta,
            seed=recipe.seed,
        ),
        price=args.price,
        agreed=args.yes,
        is_cancelling=args.cancel,
    )
