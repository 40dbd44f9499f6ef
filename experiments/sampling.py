"""Measures how a local voice writes from notes of held-out posts at several sampling settings.

Prints a line a setting: texts that came to an end, their length beside the real posts', facts that
nobody gave, facts of the notes that are kept, and texts in the author's first language.
"""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from bot.config import DraftSettings, read_settings
from bot.voice import HELD_OUT_FILE, PromptParts, Sampling, Voice, load_posts
from bot.voice.notes import Wording
from bot.voice.tongues import detect, main_languages
from bot.writing.llm import LLM
from trainer.judging.fidelity import fidelity
from trainer.judging.from_notes import asked_by_notes

SETTINGS = ((1.0, 0.005), (0.8, 0.05), (0.6, 0.1), (1.0, 0.05))  # temperature, min_p
_PATIENCE_S = 900.0


async def measure(folder: Path, posts: int, count: int) -> None:
    """Draw `count` texts for each of so many held-out posts, a setting after the other."""
    voice = Voice.load(folder)
    learnt = [post.text for post in load_posts(folder)]
    wording, first = Wording.of(learnt), main_languages(learnt)[0]
    held_out = load_posts(folder, HELD_OUT_FILE)
    some = held_out[:: max(1, len(held_out) // posts)][:posts]
    asked = asked_by_notes(some, wording)
    settings = read_settings(DraftSettings).model_copy(update={"voices": folder.parent})
    async with LLM.open(settings, 4, _PATIENCE_S, servers=1) as llm:
        for temperature, min_p in SETTINGS:
            sampled = replace(voice, sampling=Sampling(temperature, min_p))
            drawn = await asyncio.gather(*(_draw(llm, sampled, row, count) for row in asked))
            rows = [
                (text, str(row.notes), post.text)
                for texts, row, post in zip(drawn, asked, some, strict=True)
                for text in texts
            ]
            texts, given, real = map(list, zip(*rows, strict=True))
            lengths = fmean(map(len, texts)) / fmean(map(len, real))
            spoken = fmean(detect(text)[0] == first for text in texts)
            print(
                f"temperature {temperature}, min_p {min_p}: {len(texts)} of {posts * count} ended,"
                f" {lengths:.2f} of the length, {spoken:.2f} in {first},"
                f" {fidelity(texts, given, real, wording=wording)}",
                flush=True,
            )


async def _draw(llm: LLM, voice: Voice, asked: PromptParts, count: int) -> list[str]:
    return await llm.complete(voice, voice.messages(asked), count)


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("voice", type=Path, help="folder of the voice, alone in its folder")
    parser.add_argument("--posts", type=int, default=20, help="held-out ones (default: 20)")
    parser.add_argument("--count", type=int, default=2, help="texts of each (default: 2)")
    args = parser.parse_args()
    asyncio.run(measure(args.voice, args.posts, args.count))


if __name__ == "__main__":
    main()
