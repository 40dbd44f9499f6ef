"""The cost of a provider's job, said before it starts: tokens, money, and the model's end.

Counts offline. Holds no prices: they change, and every provider has its own.
"""

import json
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path

SOON_DAYS = 90  # before a shutdown: too short a life to pay for without a warning


def cost_sentence(file: Path, where: str, epochs: int, price: float | None) -> str:
    """The tokens and cost of training on the file; `price` is that of a million tokens."""
    examples, tokens = count(file)
    total = tokens * epochs
    return (
        f"{where}: {examples} examples, about {total:,} tokens in"
        f" {epochs} {'epoch' if epochs == 1 else 'epochs'}; {_cost(total, price)}"
    )


def life(model: str, shutdown: date, today: date) -> str:
    """When the model is shut down, in the console's markup."""
    days = (shutdown - today).days
    said = f"{model} is shut down on {shutdown}, in {days} days, and every fine-tune on it too."
    if days <= 0:
        return f"[bold red]{model} was shut down on {shutdown}: choose another with --base.[/]"
    if days < SOON_DAYS:
        return f"[bold red]{said} You would pay for a voice that soon falls silent.[/]"
    return said


def count(file: Path) -> tuple[int, int]:
    """Examples, and their tokens: those of the texts, and three more a message and an example.

    With the vocabulary of OpenAI's models since gpt-4o; others differ by a few percent in English.
    """
    import toktok  # noqa: PLC0415 - 8 MB of vocabulary that only an estimate needs

    examples = messages = tokens = 0
    with file.open(encoding="utf-8") as lines:
        rows = (json.loads(line) for line in lines if line.strip())
        while batch := list(islice(rows, 1000)):
            texts = list(_texts(batch))  # a call a line would take a hundred times as long
            examples += len(batch)
            messages += len(texts)
            tokens += sum(toktok.batch_count(texts, "o200k_base"))
    return examples, tokens + 3 * (messages + examples)


def _cost(tokens: int, price: float | None) -> str:
    if price is None:
        return (
            "what a million training tokens costs is on the provider's page of prices"
            " (--price PER_MILLION works the sum out)."
        )
    return f"at {price:.2f} a million that is about {tokens / 1e6 * price:.2f}."


def _texts(value: object) -> Iterator[str]:
    """Every message's text in an example of either method."""
    if isinstance(value, dict):
        if isinstance(content := value.get("content"), str):
            yield content
        else:
            yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
