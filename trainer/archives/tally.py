"""What a reader reports besides posts; it fills this in while it reads."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Progress and troubles of one reading."""

    total_bytes: int = 0
    bytes_read: int = 0
    unreadable: int = 0  # records that are no posts: not a text, no id, a field of a wrong type
    warnings: list[str] = field(default_factory=list)
