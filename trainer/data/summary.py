"""Shows `prepare` to a person: a bar while it runs, and at the end what became of every post."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from trainer.data.options import PrepareOptions
from trainer.data.sift import PersonalData

EXAMPLES = 3
SHOWN_CHARS = 220


@dataclass(slots=True)
class Summary:
    """Counts of one run; `dropped` and `kept` add up to `read`."""

    read: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    sides: dict[str, int] = field(default_factory=dict)  # train, validation, left_out
    left_out: dict[str, int] = field(default_factory=dict)
    with_source: dict[str, int] = field(default_factory=dict)  # posts with such a topic
    without_topic: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)  # topics, text
    names: Mapping[str, int] | None = None  # of the recogniser: posts asked and cached
    personal: PersonalData = field(default_factory=PersonalData)
    drafted: int | None = None  # texts of the bot's that the posts were compared with
    warnings: Sequence[str] = ()

    @property
    def kept(self) -> int:
        """Posts that were kept."""
        return sum(self.sides.values())


@contextmanager
def progress_bar(console: Console) -> Iterator[Progress]:
    """Show a bar on a terminal, and nothing elsewhere."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        yield bar


def print_summary(console: Console, summary: Summary, options: PrepareOptions) -> None:
    """Print what became of every post, what the topics cover, and a few training rows."""
    posts = Table("posts read", f"{summary.read:,}", box=None, pad_edge=False)
    posts.columns[1].justify = "right"
    for reason, count in sorted(summary.dropped.items(), key=lambda r: -r[1]):
        posts.add_row(f"  dropped: {reason}", f"{count:,}")
    posts.add_row("kept", f"{summary.kept:,}", style="bold")
    for side in ("train", "validation"):
        posts.add_row(f"  {side}", f"{summary.sides.get(side, 0):,}")
    for reason, count in summary.left_out.items():
        posts.add_row(f"  left out: {reason}", f"{count:,}")
    topics = Table("topics from", "posts", "", box=None, pad_edge=False)
    rows = [*summary.with_source.items(), ("none", summary.without_topic)]
    for source, count in rows:
        topics.add_row(f"  {source}", f"{count:,}", f"{count / max(1, summary.kept):.0%}")
    console.print(posts, "", topics, "")
    if summary.drafted is not None:
        texts = "1 text" if summary.drafted == 1 else f"{summary.drafted:,} texts"
        console.print(f"Compared with {texts} of the bot's.\n", highlight=False)
    if summary.names:
        console.print(
            f"tweetnlp: {summary.names['asked']:,} posts asked,"
            f" {summary.names['cached']:,} known from before.\n"
        )
    if summary.personal.posts:
        _print_personal(console, summary.personal, options)
    for asked, text in summary.examples:
        shown = text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
        console.print(f"[bold]{escape(asked)}[/bold] → {escape(shown)}", highlight=False)
    for warning in summary.warnings:
        console.print(f"[yellow]Note:[/yellow] {escape(warning)}", highlight=False)


_DONE = {
    "mask": "each is replaced with … (or --personal drop: these posts; keep: as they are)",
    "drop": "these posts are dropped (or --personal mask: they stay, without it)",
    "keep": "it stays, and the voice may repeat it (or --personal mask, drop)",
}


def _print_personal(console: Console, personal: PersonalData, options: PrepareOptions) -> None:
    """Print the personal data found, so that nobody gives it to a provider unseen."""
    table = Table("personal data", "found", "such as", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for kind, count in personal.found.most_common():
        examples = escape(", ".join(personal.examples[kind]))
        table.add_row(f"  {kind}", f"{count:,}", examples)
    posts = "1 post" if personal.posts == 1 else f"{personal.posts:,} posts"
    console.print(table, f"  in {posts}: {_DONE[options.personal]}", "", highlight=False)
