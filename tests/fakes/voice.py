"""A voice that a provider serves: nothing is trained for it."""

from pathlib import Path

from bot.voice import SCHEMA, Base, Prompt, Sampling, Voice, VoicePost, save_posts

POSTS = (
    ("The kettle knows what the kettle knows, and it is not telling the harbour master.", "kettle"),
    ("Fog report: dense, opinionated, and moving slowly towards Port Almond again.", "Port Almond"),
    ("The goose has been promoted to deputy; nobody voted, nobody dared to object.", "goose"),
)


def write_voice(folder: Path) -> Path:
    """Write one to this folder, and return it."""
    folder.mkdir(parents=True)
    save_posts(folder, [VoicePost(None, text, (topic,)) for text, topic in POSTS])
    Voice(
        schema=SCHEMA,
        name=folder.name,
        backend="openai",
        model="ft:mara",
        base=Base("provider-base", None),
        prompt=Prompt(),
        sampling=Sampling(),
        counts={"train": 3, "validation": 0, "notes": 2},
        data_sha256="0" * 64,
        metrics={},
        seed=0,
        created_at="2026-11-22T00:00:00+00:00",
    ).save(folder)
    return folder
