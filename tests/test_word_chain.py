"""The word chains of experiments/voice.py: a floor for voices, measured as voices are."""

import json
from pathlib import Path

from bot.voice import HELD_OUT_FILE, VoicePost, save_posts
from experiments.word_chain import measured, word_chain
from tests.fakes.prepared import invented_posts

POSTS = [text for _, text in invented_posts(60)]


def test_word_chains_write_in_the_authors_words_and_repeatably() -> None:
    texts = word_chain(POSTS, 20, 0)
    assert len(texts) == 20
    assert texts == word_chain(POSTS, 20, 0) != word_chain(POSTS, 20, 1)
    assert {w for t in texts for w in t.split()} <= {w for p in POSTS for w in p.split()}


def test_word_chains_are_measured_as_drafts_are(tmp_path: Path) -> None:
    posts = [VoicePost(None, text, (topic,)) for topic, text in invented_posts(80)]
    save_posts(tmp_path, posts[:50])
    save_posts(tmp_path, posts[50:], HELD_OUT_FILE)
    found = json.loads(json.dumps(measured(tmp_path, 20)))
    assert found["texts"] == 20
    assert 0 <= found["near_copies"] <= 1
    assert found["told"][0] >= 0.5
