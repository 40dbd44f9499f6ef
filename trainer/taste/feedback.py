"""`feedback`: turns the owner's decisions on a voice's drafts into training data.

Reads the bot's database, also while the bot runs, and the voice's prompt and posts if its folder is
there. Writes DATA as `prepare` does, with approved and edited texts to learn from and
nothing held out (no draft is ever a held-out post). Also writes preferences.jsonl: pairs in
OpenAI's format for `dpo`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bot.voice import (
    HELD_OUT_FILE,
    POSTS_FILE,
    VOICE_FILE,
    Message,
    Prompt,
    PromptParts,
    Voice,
    load_posts,
    personal,
)
from bot.voice.notes import NO_WORDING, Wording, notes_of
from bot.voice.rates import APPROVED, REASON_WORDS
from trainer import bot_database
from trainer.bot_database import Decided
from trainer.data.dataset import MINIMUM_POSTS
from trainer.data.folder import (
    ABOUT_FILE,
    About,
    Counts,
    Example,
    Lines,
    PostRow,
    TopicRow,
    read_about,
    to_line,
    write_about,
    write_posts,
)
from trainer.data.preferences import PREFERENCES_FILE, Preference
from trainer.data.whole_folder import replacing
from trainer.errors import DataError

KIND = "decisions"  # in dataset.json: the source of the rows
NOT_WANTED = ("rejected", "replaced")
NOT_ITS_MANNER = ("untrue", "untimely")  # reasons that say nothing of how the text is written
BESIDE, EDIT, LATER = (
    "chosen, over what was shown beside it",
    "edited, over what the voice wrote",
    "approved later, over what was not wanted on that topic",
)
WHY_NO_ROW = {
    "pending": "not decided yet",
    "rejected": "rejected",
    "replaced": "others were asked for",
    "expired": "ignored until it expired",
    "undone": "posted, and deleted again",
}
GUEST, REPEATED, HELD_OUT = (
    "decided by a guest of the voice",
    "the same text as another one",
    "the text of a held-out post",
)


class ApprovedText(NamedTuple):
    """One approved text, and its request."""

    draft: Decided
    prompt: list[Message]
    text: str


class OwnerPreference(NamedTuple):
    """A preference, and its origin."""

    kind: str
    preference: Preference


@dataclass(frozen=True, slots=True)
class Feedback:
    """The rows and pairs from the decisions, and the reason for each draft without a row."""

    read: int
    rows: list[ApprovedText]
    pairs: list[OwnerPreference]
    why: Counter[str]


@dataclass(frozen=True, slots=True)
class VoiceContext:
    """A voice's prompt, how its author writes words, and the texts of its held-out posts."""

    prompt: Prompt = field(default_factory=Prompt)  # that of `prepare`
    wording: Wording = NO_WORDING
    held_out: frozenset[str] = frozenset()
    seed: int = 0


def feedback(
    db: Path, out: Path, voice: str | None, voices: Path, *, now: datetime, console: Console
) -> Feedback:
    """Write the data of the decisions on one voice's drafts to `out`. Raises DataError."""
    _check_target(out)
    with bot_database.reading(db) as opened:
        name = _named(bot_database.voices(opened), voice, db)
        owner, drafts = bot_database.owner(opened, name), bot_database.drafts(opened, name)
    source = _source(voices / name)
    found = learn(drafts, owner, source)
    if not found.rows and not found.pairs:
        raise DataError(
            f"Nothing can be learnt from the {found.read} drafts of {name} yet: none was approved."
            " Approve some first."
        )
    _write(out.absolute(), found, source, now)
    _show(console, name, found, out)
    return found


def learn(drafts: Sequence[Decided], owner: int | None, source: VoiceContext) -> Feedback:
    """Turn decisions into rows and pairs, without those of guests if the voice has an owner."""
    own = [draft for draft in drafts if owner in (None, draft.owner_id)]
    rows: list[ApprovedText] = []
    why = Counter({GUEST: len(drafts) - len(own)} if len(own) < len(drafts) else {})
    known: set[str] = set()
    for draft in own:
        text = _chosen(draft)
        if text is None:
            why[_why_no_row(draft)] += 1
        elif _plain(text) in source.held_out:
            why[HELD_OUT] += 1
        elif text in known:
            why[REPEATED] += 1
        else:
            known.add(text)
            rows.append(ApprovedText(draft, _asked(draft, source), text))
    return Feedback(len(drafts), rows, _different(_pairs(own, source), source), why)


def _different(pairs: Iterable[OwnerPreference], source: VoiceContext) -> list[OwnerPreference]:
    """Each pair once; of two that contradict each other, the first."""
    found: dict[tuple[str, frozenset[str]], OwnerPreference] = {}
    for pair in pairs:
        texts = frozenset((pair.preference.preferred, pair.preference.other))
        if len(texts) == 2 and not {_plain(text) for text in texts} & source.held_out:
            found.setdefault((pair.preference.prompt[-1]["content"], texts), pair)
    return list(found.values())


def _why_no_row(draft: Decided) -> str:
    story = WHY_NO_ROW.get(draft.state, draft.state)
    return f"{story}: {REASON_WORDS[draft.reason]}" if draft.reason else story


def _pairs(drafts: Sequence[Decided], source: VoiceContext) -> Iterator[OwnerPreference]:
    """Every preference that the decisions show, the surest first.

    What was not true, or came at the wrong moment, may well be in the manner that pleases.
    """
    drafts = [draft for draft in drafts if draft.reason not in NOT_ITS_MANNER]
    for draft in drafts:
        text, asked = _chosen(draft), _asked(draft, source)
        for position, shown in enumerate(draft.shown):
            if shown.text != shown.written:  # also an edit of a text that was not approved
                yield _pair(EDIT, asked, shown.text, shown.written)
            if text is not None and position != draft.chosen:
                yield _pair(BESIDE, asked, text, shown.written)
    for draft, better in _not_wanted(drafts):
        for shown in draft.shown:
            text = _chosen(better)
            assert text is not None
            yield _pair(LATER, _asked(draft, source), text, shown.written)


def _not_wanted(drafts: Sequence[Decided]) -> Iterator[tuple[Decided, Decided]]:
    """Unwanted drafts, each with the next approved one that replaced it, or says the same.

    Without a topic or notes only the one that replaced it counts: others are about something else.
    """
    by_id = {draft.id: draft for draft in drafts}
    approved = defaultdict[tuple[str, str], list[Decided]](list)
    instead: dict[int, Decided] = {}
    for draft in drafts:
        if draft.state not in APPROVED:
            continue
        if draft.topic or draft.notes:
            approved[_about_what(draft)].append(draft)
        before = draft.replaces
        while before in by_id and before not in instead:
            instead[before] = draft
            before = by_id[before].replaces
    for draft in drafts:
        if draft.state in NOT_WANTED:
            same = approved[_about_what(draft)]
            later = sorted((d for d in same if _when(d) > _when(draft)), key=_when)
            if better := instead.get(draft.id) or next(iter(later), None):
                yield draft, better


def _about_what(draft: Decided) -> tuple[str, str]:
    return _plain(draft.topic or ""), _plain(draft.notes or "")


def _when(draft: Decided) -> tuple[str, int]:
    return draft.decided_at or "", draft.id


def _chosen(draft: Decided) -> str | None:
    """The approved text, if it was not taken back since."""
    if draft.state not in APPROVED or draft.chosen is None:
        return None
    return draft.shown[draft.chosen].text


def _asked(draft: Decided, source: VoiceContext) -> list[Message]:
    """The request as the bot rendered it."""
    notes = notes_of(_masked(draft.notes), source.wording) if draft.notes else None
    return source.prompt.messages(PromptParts(draft.topic, draft.instruction, notes))


def _pair(kind: str, asked: list[Message], preferred: str, other: str) -> OwnerPreference:
    return OwnerPreference(kind, Preference(asked, _masked(preferred), _masked(other)))


def _masked(text: str) -> str:
    """Mask e-mail addresses, phone numbers and the like, as `prepare` does."""
    return personal.mask(text, personal.find(text))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _named(known: Sequence[str], voice: str | None, db: Path) -> str:
    names = ", ".join(known)
    if not known:
        raise DataError(f"{db} holds no drafts yet. Write some with /draft, and decide on them.")
    if voice is None and len(known) > 1:
        raise DataError(f"{db} holds drafts of several voices. Name one with --voice: {names}.")
    if voice is not None and voice not in known:
        raise DataError(f"{db} holds no drafts of the voice {voice}, only of {names}.")
    return voice or known[0]


def _source(folder: Path) -> VoiceContext:
    """Read the voice's folder; `prepare`'s prompt if there is none."""
    if not (folder / VOICE_FILE).is_file():
        return VoiceContext()
    voice = Voice.load(folder)
    learnt, held_out = (
        load_posts(folder, name) if (folder / name).exists() else []
        for name in (POSTS_FILE, HELD_OUT_FILE)
    )
    return VoiceContext(
        voice.prompt,
        Wording.of(post.text for post in learnt),
        frozenset(_plain(post.text) for post in held_out),
        voice.seed,
    )


def _check_target(out: Path) -> None:
    """Raise DataError if `out` is an archive's data, which drafts must not replace."""
    if not (out / ABOUT_FILE).exists():
        return  # whatever else is there, `replacing` looks at
    try:
        is_ours = {source.get("kind") for source in read_about(out).sources} == {KIND}
    except DataError:
        is_ours = False
    if not is_ours:
        raise DataError(
            f"{out} holds what `prepare` wrote, and drafts are not mixed with posts."
            " Choose another folder with --out."
        )


def _write(out: Path, found: Feedback, source: VoiceContext, now: datetime) -> None:
    with replacing(out) as folder:
        write_posts(folder, map(_lines, found.rows))
        lines = [pair.preference.line() for pair in found.pairs]
        (folder / PREFERENCES_FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        write_about(folder, _about(found, source, now))


def _lines(row: ApprovedText) -> Lines:
    """All are to train on: no draft is ever judged by."""
    draft, text = row.draft, _masked(row.text)
    post = PostRow(
        id=f"draft-{draft.id}",
        created_at=draft.decided_at,
        text=text,
        kind="draft",
        topics=[TopicRow(draft.topic, "asked")] if draft.topic else [],
        split="train",
    )
    return Lines(post.split, to_line(post), Example(row.prompt, text).line())


def _about(found: Feedback, source: VoiceContext, now: datetime) -> About:
    """The fields of `prepare`, as far as decisions have them."""
    dates = [row.draft.decided_at for row in found.rows] or [None]
    return About(
        created_at=now.isoformat(timespec="seconds"),
        sources=[{"kind": KIND, "read": found.read}],
        dates={"first": dates[0], "last": dates[-1]},
        counts=Counts(
            read=found.read,
            kept=len(found.rows),
            train=len(found.rows),
            validation=0,
            left_out={},
            dropped=dict(found.why.most_common()),
        ),
        preferences=_kinds(found),
        prompt=asdict(source.prompt),
        seed=source.seed,
    )


def _kinds(found: Feedback) -> dict[str, int]:
    return dict(Counter(pair.kind for pair in found.pairs).most_common())


def _show(console: Console, name: str, found: Feedback, out: Path) -> None:
    """Print the decisions that were read, and the outcome."""
    rows = Table(f"drafts of {name} read", f"{found.read:,}", box=None, pad_edge=False)
    for reason, count in found.why.most_common():
        rows.add_row(f"  no row: {reason}", f"{count:,}")
    edited = sum(row.draft.chosen is not None and _is_edited(row) for row in found.rows)
    rows.add_row("rows to learn from", f"{len(found.rows):,}", style="bold")
    rows.add_row("  approved as written", f"{len(found.rows) - edited:,}")
    rows.add_row("  edited first", f"{edited:,}")
    rows.add_row("preference pairs", f"{len(found.pairs):,}", style="bold")
    for kind, count in _kinds(found).items():
        rows.add_row(f"  {kind}", f"{count:,}")
    rows.columns[1].justify = "right"
    console.print(rows, f"Written to {out}.", highlight=False)
    if len(found.rows) < MINIMUM_POSTS:
        console.print(
            f"`train` takes {MINIMUM_POSTS} rows at least: approve more drafts.", highlight=False
        )


def _is_edited(row: ApprovedText) -> bool:
    assert row.draft.chosen is not None
    return row.text != row.draft.shown[row.draft.chosen].written
