"""What the made-up owners of bench/owner.py dislike; it knows nothing of the ranker's features."""

import re
from collections.abc import Callable, Sequence
from statistics import median

Faults = Callable[[str], int]  # what an owner dislikes in a text; none: good enough

_LOFTY = re.compile(
    r"\b(?:great\w*|amazing|incredibl[ey]|best|worst|biggest|huge|awesome|stunning|spectacular"
    r"|beautiful|most|never|ever|very|largest|love|outrageous|obscene|must)\b",
    re.IGNORECASE,
)


def sober(_: Sequence[str]) -> Faults:
    """At most 80 characters, whoever writes; no hashtag, no cry, no capitals, nothing lofty."""

    def faults(text: str) -> int:
        shouts = [word for word in text.split() if len(word) > 3 and word.isupper()]
        return (
            (len(text) > 80)
            + ("#" in text)
            + ("!" in text)
            + bool(shouts)
            + bool(_LOFTY.search(text))
        )

    return faults


def curious(posts: Sequence[str]) -> Faults:
    """Asks its readers something, in more than a few words, and does not shout."""
    usual = median(map(len, posts))

    def faults(text: str) -> int:
        return ("?" not in text) + (len(text) < usual / 2) + (text.count("!") > 0)

    return faults


def reporter(posts: Sequence[str]) -> Faults:
    """One sentence with a figure in it; of nobody's feelings, neither the writer's nor yours."""
    mine = {"i", "we", "our", "us", "my", "you", "your", "let's"}

    def faults(text: str) -> int:
        words = {word.strip(".,:;!?“”\"'").lower() for word in text.split()}
        sentences = len(re.findall(r"[.!?](?=\s)", text.strip()))
        return (
            (sentences > 0)
            + (not any(map(str.isdigit, text)))
            + bool(mine & words)
            + ("\n" in text)
        )

    return faults


OWNERS = {"sober": sober, "curious": curious, "reporter": reporter}
