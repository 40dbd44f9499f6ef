"""The command line of the bot: `python -m bot run|doctor|draft|...`.

Runs one command, and turns errors into a sentence and an exit code: 0 done, 1 something is not well
or is a mistake of ours, 2 an error in words or a wrong argument, 130 interrupted. Each command is a
module of bot/commands.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Collection, Sequence
from importlib import import_module, metadata
from pathlib import Path

from bot.commands import COMMANDS, carry_out
from bot.errors import BotError

DESCRIPTION = """\
Drafts posts in your own voice, and posts what you approve. `sandbox` tries it
without any account; `doctor` says what `run` still needs."""
EXAMPLES = """\
examples:
  python -m bot sandbox --voice me
  python -m bot doctor
  python -m bot run
  python -m bot COMMAND --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    os.umask(0o077)  # only its owner may read what the bot writes
    try:
        args = build_parser(COMMANDS.keys() & set(argv)).parse_args(argv)
        return carry_out(args)
    except BotError as e:
        print(e, file=sys.stderr)
        return 2
    except ModuleNotFoundError as e:
        if not e.name or e.name.split(".")[0] in ("bot", "sandbox"):
            raise
        print(f"This needs {e.name}, which is not installed. Run `make install`.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def build_parser(used: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of every command; imports only the modules of those used."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m bot", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=raw
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about, formatter_class=raw)
        if name in used:
            module = import_module(f"bot.commands.{name.replace('-', '_')}")
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
