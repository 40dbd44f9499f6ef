"""A folder as `prepare` writes it, with as many invented posts as a test needs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bot.voice import Prompt, PromptParts

SUBJECTS = ("kettle", "goose", "harbour", "fog", "ladder", "clerk", "tide")
TURNS = ("again", "says nothing", "has been promoted", "objects", "was here first")


def invented_posts(count: int) -> list[tuple[str, str]]:
    """Topics and posts, no two the same."""
    pairs = [(SUBJECTS[i % 7], TURNS[i % 5]) for i in range(count)]
    return [(s, f"The {s} {t}, for the {i}th time.") for i, (s, t) in enumerate(pairs)]


def write_prepared(folder: Path, posts: Sequence[tuple[str, str]], validation: int = 0) -> Path:
    """Write (topic, post) pairs, the last `validation` of them to validate with."""
    folder.mkdir(parents=True, exist_ok=True)
    sides = ["train"] * (len(posts) - validation) + ["validation"] * validation
    rows: dict[str, list[object]] = {"train": [], "validation": [], "posts": []}
    for number, (side, (topic, text)) in enumerate(zip(sides, posts, strict=True)):
        asked = Prompt().messages(PromptParts(topic))
        rows[side].append({"messages": [*asked, {"role": "assistant", "content": text}]})
        rows["posts"].append(
            {
                "id": str(number),
                "created_at": None,
                "text": text,
                "kind": "original",
                "topics": [{"text": topic, "source": "keyword"}],
                "split": side,
            }
        )
    for name, lines in rows.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
    about = {"schema": 1, "prompt": asdict(Prompt()), "seed": 0}
    (folder / "dataset.json").write_text(json.dumps(about), "utf-8")
    return folder
