"""What a reader reports besides posts; it fills this in while it reads."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Progress and troubles of one reading."""

    total_bytes: int = 0
    bytes_read: int = 0
    warnings: list[str] = field(default_factory=list)
