"""Everything that can go wrong while training, in words for a person.

TrainerError
├── ArchiveError   the archive cannot be read, or holds nothing to learn from
│   └── NoPostsError   it is whole, but none of its files holds posts
├── DataError      the prepared data is missing, damaged or too little
├── ModelError     a base model or a checkpoint cannot be used
├── ProviderError  a provider refuses, or does not answer
└── ServeError     a voice cannot be served

The command line prints the text and exits with code 2: what happened, why, what to do now.
"""


class TrainerError(Exception):
    """The root; `str()` of it is a sentence for a person."""


class ArchiveError(TrainerError):
    """The archive cannot be read, or holds nothing to learn from."""


class NoPostsError(ArchiveError):
    """An archive, or a part of one, in which there are no posts."""


class DataError(TrainerError):
    """The prepared data is missing, damaged or too little."""


class ModelError(TrainerError):
    """A base model or a checkpoint cannot be used."""


class ProviderError(TrainerError):
    """A provider refuses, or does not answer."""


class ServeError(TrainerError):
    """A voice cannot be served."""
