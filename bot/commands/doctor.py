"""`doctor`: prints what bot/doctor.py finds."""

import argparse

DESCRIPTION = """\
Looks at everything `python -m bot run` needs, and has one sentence for each:
the settings, every voice, who serves them, Discord, Mastodon, Bluesky, the
database and the connected accounts. It prints the links that add the bot to an account
or a server. ✓ is well, ✗ is not, ! should be changed. It posts nothing. The
exit code is 1 if something is not well."""
EXAMPLES = """\
example:
  python -m bot doctor"""


def add(parser: argparse.ArgumentParser) -> None:
    """Set the help; there are no flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES


async def run(_: argparse.Namespace) -> int:
    """Print every finding; exit code 1 if something is not well."""
    from rich.console import Console
    from rich.text import Text

    from bot.doctor import examine

    console, well = Console(), True
    async for finding in examine():
        mark = Text("✓ ", "green") if finding.is_well else Text("✗ ", "red")
        line = mark + Text(f"{finding.name}: ", "bold") + Text(finding.sentence)
        console.print(line, soft_wrap=True)  # a link broken in two leads nowhere
        for warning in finding.warnings:
            console.print(Text("! ", "yellow") + Text(warning), soft_wrap=True)
        well &= finding.is_well
    return 0 if well else 1
