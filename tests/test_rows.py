import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot.voice import Prompt, PromptParts
from bot.voice.notes import Wording
from trainer.data import rows
from trainer.data.rows import Renderer, write_rows
from trainer.data.staging import Kept
from trainer.data.topics import learn_habits

POSTS = [
    Kept(n, str(n), None, f"The ferry to Port Almond, number {n}", "original", (), "train")
    for n in range(3000)
]
RENDERER = Renderer(Prompt(), learn_habits(p.text for p in POSTS[:100]))

WORKING = """
from tests.test_rows import POSTS, RENDERER
from trainer.data.rows import WORTH_IT, write_rows
if __name__ == "__main__":
    for row in write_rows(((post, ()) for post in POSTS), RENDERER, WORTH_IT):
        print("working", flush=True)
        input()
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: nothing is shared")
def test_shared_among_processes_the_rows_are_the_same() -> None:
    asked = [(post, ()) for post in POSTS]
    shared = [row.line for row in write_rows(asked, RENDERER, rows.WORTH_IT)]
    assert shared == [row.line for row in RENDERER.render(asked)]


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: nothing is shared")
def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "working.py").write_text(WORKING)
    command = [sys.executable, str(tmp_path / "working.py")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "working\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        assert len(children) >= 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    ended_by = time.monotonic() + 20
    while alive := [c for c in children if c.is_running() and c.status() != "zombie"]:
        assert time.monotonic() < ended_by, alive
        time.sleep(0.05)


def test_some_examples_ask_for_less_than_a_post_is_about_and_held_out_ones_never() -> None:
    text = "The ferry #storm #harbour"
    posts = [Kept(n, str(n), None, text, "original", (), "train") for n in range(1000)]
    written = RENDERER.render([(post, ()) for post in posts])
    topics = Counter(row.asked.topic or "" for row in written if not row.asked.notes)
    bare, all_of_them, nothing = topics.total(), topics["storm, harbour"], topics[""]
    assert 0.8 < bare / 1000 < 0.9
    assert 0.4 < all_of_them / bare < 0.5
    assert 0.2 < nothing / bare < 0.3
    assert topics["storm"] + topics["harbour"] == bare - all_of_them - nothing
    held_out = RENDERER.render([(post._replace(side="validation"), ()) for post in posts[:100]])
    assert {row.asked for row in held_out} == {PromptParts("storm, harbour")}


def test_posts_with_figures_are_oftener_asked_for_by_notes_and_these_keep_them() -> None:
    text = "We were 12 of us on the boats to Port Almond, and not in the fog"
    posts = [Kept(n, str(n), None, text, "original", (), "train") for n in range(500)]
    renderer = replace(RENDERER, wording=Wording(("en",)))
    asked = [row.asked for row in renderer.render([(post, ()) for post in posts])]
    notes = [parts.notes for parts in asked if parts.notes]
    assert 0.35 < len(notes) / 500 < 0.45
    assert 0.4 < sum(parts.topic is None for parts in asked if parts.notes) / len(notes) < 0.6
    assert all({"12", "us", "not", "Port", "fog"} <= set(re.findall(r"\w+", n)) for n in notes)
    assert len(set(notes)) > 35  # with all small words, some or none; with and without the break
    assert renderer.render([(posts[0], ())])[0].asked == asked[0]


def test_a_voice_learns_plain_marks_and_keeps_the_posts_as_they_were() -> None:
    text = "It’s “foggy”… the „Möwe“ waits"
    [row] = RENDERER.render([(POSTS[0]._replace(text=text), ())])
    assert json.loads(row.line)["text"] == text
    assert json.loads(row.example)["messages"][-1]["content"] == "It's “foggy”… the „Möwe“ waits"
    [row] = RENDERER.render([(POSTS[0]._replace(text="It’s “foggy”"), ())])
    assert json.loads(row.example)["messages"][-1]["content"] == 'It\'s "foggy"'
