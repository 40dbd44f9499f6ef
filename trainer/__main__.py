"""The command line of the trainer: `python -m trainer prepare|train|...`.

Runs one command, and turns errors into a sentence and an exit code: 0 done, 2 an error of ours or a
wrong argument, 130 interrupted. Each command is a module of trainer/commands.
"""

import argparse
import sys
import tomllib
from collections.abc import Collection, Sequence
from importlib import import_module, metadata
from pathlib import Path

from bot.voice import VoiceError
from trainer.commands import COMMANDS
from trainer.errors import TrainerError

INTERRUPTED = (
    "Interrupted. Run the same command again: a training goes on from its last checkpoint, an"
    " evaluation from its last draft, everything else starts over."
)
DESCRIPTION = """\
Learns how somebody writes from the archive of their posts, and makes a voice
of it: a folder that the bot drafts with. The way there is prepare, train,
evaluate."""
EXAMPLES = """\
examples:
  python -m trainer prepare twitter-archive.zip --out data
  python -m trainer train data --voice me
  python -m trainer COMMAND --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    args = build_parser(COMMANDS.keys() & set(argv)).parse_args(argv)
    try:
        args.run(args)
    except (TrainerError, VoiceError) as e:
        print(e, file=sys.stderr)
        return 2
    except ModuleNotFoundError as e:
        if not e.name or e.name.split(".")[0] in ("bot", "trainer"):
            raise
        print(f"This needs {e.name}, which is not installed. Run `make install`.", file=sys.stderr)
        return 2
    except KeyboardInterrupt as e:
        print(str(e) or INTERRUPTED, file=sys.stderr)
        return 130
    return 0


def build_parser(used: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of every command; imports only the modules of those used."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m trainer", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=raw
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about, formatter_class=raw)
        if name in used:
            module = import_module(f"trainer.commands.{name.replace('-', '_')}")
            module.add(command)
            command.set_defaults(run=module.run)
    return parser


class _Version(argparse.Action):
    """Reads the version only when requested: with argparse's own, every start would wait."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        try:
            version = metadata.version("write-my-posts")
        except metadata.PackageNotFoundError:  # a checkout that was never installed
            project = Path(__file__).parents[1] / "pyproject.toml"
            version = tomllib.loads(project.read_text("utf-8"))["project"]["version"]
        print(f"write-my-posts {version}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
