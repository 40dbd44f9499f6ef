"""A folder's files, as a user sees them who may not read them all."""

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def as_somebody_else(here: Path, *closed: Path) -> Iterator[None]:
    """Be a user who may read all below `here` but what is closed; name it from there.

    Root may read everything, so root becomes nobody for a while.
    """
    here.chmod(0o755)
    for place in closed:
        place.chmod(0)
    is_root = os.geteuid() == 0
    with chdir(here):  # the folders above may be root's
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)
            for place in closed:
                place.chmod(0o700)
