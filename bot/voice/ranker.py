"""Ranks drawn texts: which would the author rather have written?

<name>/ranker.json holds the weights of a logistic regression that `train` fits: the author's own
training posts against drafts of the voice. Its features are words, marks and lengths; the judge of
voices (trainer/judging/measures.py) looks at characters of other posts. The file also holds the
weights of a taste, which `taste` learns from the owner's decisions. The first text shown is chosen
for the author's manner, the others for the owner's taste. Standard library only.
"""

import json
import math
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

from bot.errors import VoiceError
from bot.voice.files import write_whole
from bot.voice.words import COMMAS, ENDS_ALONE, ENDS_SPACED, WORD, parted, words_in

RANKER_FILE = "ranker.json"

_TOKEN = re.compile(rf"https?://\S+|[@#]?{WORD}|[^\w\s]|\n")
_SENTENCE_END = re.compile(rf"[{ENDS_SPACED}]+(?:\s|$)|[{ENDS_ALONE}]+|\n+")
STEPS = 200  # distinguished amounts
_ALIKE = 4.0  # nats, against a text that shares all its word pairs with one already chosen
TOPIC = "topic "  # prefix of the features for how much of the topic a text holds
_STEM = 5  # characters: "taxes" and "taxing" speak of the same


@dataclass(frozen=True, slots=True)
class Ranker:
    """Log-odds that a text is the author's own, not the voice's, and that the owner likes it."""

    weights: Mapping[str, float]  # of each feature; empty if none were fitted
    taste: Mapping[str, float] = field(default_factory=dict)  # the same, from decisions

    @classmethod
    def load(cls, folder: Path) -> "Ranker | None":
        """Read the ranker of a voice; None if it has none. Raises VoiceError if it is damaged."""
        file = folder / RANKER_FILE
        if not file.exists():
            return None
        try:
            data = json.loads(file.read_text("utf-8"))
            return cls(_weights(data["weights"]), _weights(data.get("taste", {})))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise VoiceError(f"{file} cannot be read ({e}). Train the voice again.") from e

    def save(self, folder: Path) -> None:
        """Write the weights, all or none."""
        rounded = {
            part: {name: round(weight, 4) for name, weight in sorted(weights.items())}
            for part, weights in asdict(self).items()
        }
        write_whole(folder / RANKER_FILE, json.dumps(rounded, ensure_ascii=False) + "\n")

    def choose(
        self, texts: Sequence[str], topic: str | None, count: int, chance: random.Random
    ) -> list[int]:
        """Numbers of up to `count` texts, in the order to show them: the first by style alone.

        Draws in proportion to the odds instead of taking the best: always the most typical text
        would give the voice away too (Gumbel-max; importance resampling, Rubin 1987).
        """
        named = [features(text, topic) for text in texts]
        styles = [log_odds(self.weights, names) for names in named]
        liked = [log_odds(self.taste, names) for names in named]
        keys = {i: drawn_key(style, chance) for i, style in enumerate(styles)}
        pairs = [set(pairwise(words_in(text))) for text in texts]
        chosen: list[int] = []
        while keys and len(chosen) < count:
            best = max(keys, key=lambda i: keys[i] - _ALIKE * _overlap(i, chosen, pairs))
            if not chosen:
                keys = {i: key + liked[i] for i, key in keys.items()}
            chosen.append(best)
            del keys[best]
        return chosen


def log_odds(weights: Mapping[str, float], names: Iterable[str]) -> float:
    """Log-odds of a text with these features, in nats, without what all texts share."""
    return sum(weights.get(name, 0.0) for name in names)


def drawn_key(score: float, chance: random.Random) -> float:
    """A random key: taking the highest keys draws in proportion to exp(score)."""
    return score - math.log(-math.log(1 - chance.random()))


def _weights(data: Mapping[str, float]) -> dict[str, float]:
    return {str(name): float(weight) for name, weight in data.items()}


def _overlap(number: int, chosen: Sequence[int], pairs: Sequence[set[tuple[str, str]]]) -> float:
    """The largest share of a text's word pairs that one chosen text has too."""
    own = pairs[number]
    return max((len(own & pairs[other]) / len(own) for other in chosen if own), default=0.0)


def features(text: str, topic: str | None) -> set[str]:
    """Names of a text's features: its words and pairs of words, marks, lengths, topic."""
    return {*_wording(text), *_measure(text), *_coverage(text, topic)}


def _wording(text: str) -> Iterator[str]:
    tokens = ["<", *(_kind(part) for token in _TOKEN.findall(text) for part in parted(token)), ">"]
    yield from (f"w {token}" for token in tokens[1:-1])
    yield from (f"p {a} {b}" for a, b in pairwise(tokens))


def _kind(token: str) -> str:
    """One name for all links, handles, hashtags or numbers; other words stay."""
    if token.startswith("http"):
        return "<url>"
    if token[0] in "@#" and len(token) > 1:
        return f"<{token[0]}>"
    if token[0].isdigit():
        return "<9>"
    return token if len(token) > 1 and token.isupper() else token.lower()


def _measure(text: str) -> Iterator[str]:
    """Amounts as steps: all up to an amount are true, so weights add up to any curve."""
    words = words_in(text)
    sentences = [s for s in _SENTENCE_END.split(text) if s.strip()]
    pairs = list(pairwise(words))
    amounts = {
        "characters": (len(text), 3),
        "words": (len(words), 1),
        "sentences": (len(sentences), 1),
        "words a sentence": (len(words) / max(1, len(sentences)), 1),
        "characters a word": (sum(map(len, words)) / max(1, len(words)), 0.1),
        "commas": (sum(text.count(comma) for comma in COMMAS), 1),
        "capitals": (sum(w[0].isupper() for w in text.split()), 1),
        "shouted": (sum(len(w) > 1 and w.isupper() for w in words), 1),
        "numbers": (len(re.findall(r"\d+", text)), 1),
        "hashtags": (text.count("#"), 1),
        "lines": (text.count("\n"), 1),
        "emoji": (sum(unicodedata.category(c) == "So" for c in text), 1),
        "marks": (sum(not c.isalnum() and not c.isspace() for c in text), 1),
        "repeated": (20 * (1 - len(set(pairs)) / len(pairs)) if pairs else 0, 1),
    }
    for name, (amount, step) in amounts.items():
        yield from (f"{name} {i}" for i in range(1, min(STEPS, int(amount / step)) + 1))


def _coverage(text: str, topic: str | None) -> Iterator[str]:
    """The share of the topic's words in a text; a hashtag's may be written together."""
    stems = [word.lower()[:_STEM] for word in words_in(topic or "")]
    if not stems:
        return
    squeezed = "".join(words_in(text)).lower()
    share = sum(stem in squeezed for stem in stems) / len(stems)
    yield from (f"{TOPIC}{i}" for i in range(1, int(4 * share) + 1))
