"""Names in posts, found by tweetnlp's recogniser; an optional layer of the topics.

An SQLite file beside the data keeps the names of each post, so a rerun runs the model on new posts
only. tweetnlp and torch are imported when the first post needs the model: that takes half a minute.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from trainer.errors import ModelError

DEFAULT_RECOGNISER = "tner/roberta-large-tweetner7-all"
_BATCH = 32

_HANDLE = re.compile(r"(?<!\w)@(\w+)")
_SPECIAL = re.compile(r"</?s>|<(?:pad|unk|mask)>|\{\{?URL\}?\}|\{@|@\}?")


class Recogniser:
    """A tweetnlp model with its cache. `cached` and `asked` count the posts of this run."""

    def __init__(self, model: str, cache: Path) -> None:
        if model.startswith(("/", ".", "~")) and not Path(model).is_dir():
            raise ModelError(f"There is no folder {model}. Give a model's folder, or its hub id.")
        self.model = model
        self.cached = 0
        self.asked = 0
        self._identity = _identity(model)
        self._ner: Any = None  # tweetnlp has no types
        try:
            self._db = sqlite3.connect(cache)
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS names"
                " (model TEXT, post BLOB, names TEXT, PRIMARY KEY (model, post)) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError as e:
            raise ModelError(
                f"The cache of names {cache} cannot be used ({e}). Delete it and run this again."
            ) from e

    def close(self) -> None:
        """Close the cache."""
        self._db.close()

    def learn(self, texts: Iterable[str]) -> Iterator[int]:
        """Run the model on every post that is not in the cache; yields the posts done so far."""
        todo, done = iter(texts), 0
        while batch := list(islice(todo, _BATCH)):
            new = [text for text in batch if self.cached_names(text) is None]
            if new:
                rows = [
                    (self._identity, _digest(text), json.dumps(names, ensure_ascii=False))
                    for text, names in zip(new, self._ask(new), strict=True)
                ]
                with self._db:  # a kill loses one batch at most
                    self._db.executemany("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", rows)
            self.asked += len(new)
            self.cached += len(batch) - len(new)
            done += len(batch)
            yield done

    def cached_names(self, text: str) -> list[str] | None:
        """Return the names in a post, or None if the model has not seen it."""
        found = self._db.execute(
            "SELECT names FROM names WHERE model = ? AND post = ?", (self._identity, _digest(text))
        ).fetchone()
        if found is None:
            return None
        names: list[str] = json.loads(found[0])
        return names

    def _ask(self, texts: Sequence[str]) -> list[list[str]]:
        if self._ner is None:
            self._ner = _load(self.model)
        # tweetnlp's own preparation cuts @SenJohnMcCain into pieces and takes "Sgt.La" for a link,
        # so handles are marked here, as in the training of its models.
        marked = [_HANDLE.sub(r"{@\1@}", text) for text in texts]
        found = self._ner.ner(marked, batch_size=_BATCH, skip_preprocess=True)
        return [[name for entity in post if (name := _name(entity["entity"]))] for post in found]


def _name(entity: str) -> str:
    """The name without the model's tokens and the marks around handles."""
    return " ".join(_SPECIAL.sub(" ", entity).split())


def _identity(model: str) -> str:
    """The cache's key: a hash of the folder's contents, or the name of a hub's model."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    digest = hashlib.sha256()
    for file in sorted(f for f in folder.iterdir() if f.is_file()):
        digest.update(file.name.encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _load(model: str) -> Any:  # Any: tweetnlp has no types
    """Load a model with tweetnlp's own code. Raises ModelError."""
    try:
        import tweetnlp.ner.model as tweetnlp_ner  # noqa: PLC0415 - it takes half a minute
    except ImportError as e:
        raise ModelError(
            "tweetnlp is not installed. Run `pip install '.[tweetnlp]'`, or leave out --ner."
        ) from e
    original = tweetnlp_ner.load_model
    tweetnlp_ner.load_model = _load_parts
    try:
        return tweetnlp_ner.NER(model)
    except Exception as e:  # its libraries raise errors of any kind for a bad model
        raise ModelError(
            f"The model {model} cannot be loaded ({_first_line(e)}). Check its name and the"
            " network, or give a folder with it (--ner tweetnlp:FOLDER), or leave out --ner."
        ) from e
    finally:
        tweetnlp_ner.load_model = original


def _load_parts(model: str, **_: object) -> tuple[Any, Any, Any]:  # Any: as tweetnlp expects
    """Load configuration, tokenizer and weights, as tweetnlp does it for older transformers.

    tweetnlp 0.4.5 passes `use_auth_token` and calls `batch_encode_plus`, which transformers 5 no
    longer has (cardiffnlp/tweetnlp#34), and it asks a search engine whether there is a network.
    """
    from transformers import (  # noqa: PLC0415 - as above
        AutoConfig,
        AutoModelForTokenClassification,
        AutoTokenizer,
    )
    from transformers.utils import logging  # noqa: PLC0415 - as above

    logging.disable_progress_bar()  # type: ignore[no-untyped-call] # there is a bar of ours
    is_local = Path(model).is_dir()
    config = AutoConfig.from_pretrained(model, local_files_only=is_local)
    if not hasattr(config, "crf_state_dict"):
        raise ValueError("it is no model of tweetnlp's recogniser: its CRF layer is missing")
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=is_local)
    tokenizer.batch_encode_plus = tokenizer.__call__
    weights = AutoModelForTokenClassification.from_pretrained(
        model, config=config, local_files_only=is_local
    )
    return config, tokenizer, weights


def _first_line(e: Exception) -> str:
    return str(e).strip().split("\n")[0][:200] or type(e).__name__
