"""What the extras of pyproject.toml reach, and a package imported with nothing else.

`python -m tests.reached trainer` imports every module of trainer/ as where only its extras are
installed, and ends with the traceback of the first import that fails.
"""

import importlib
import pkgutil
import sys
import tomllib
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from types import ModuleType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
# The sandbox checks its answers where a developer has Discord's own specification beside the
# checkout, and only there; it is installed with the trainer (Makefile).
INSTALLED = {"bot": ("bot",), "trainer": ("trainer",), "sandbox": ("trainer", "sandbox")}


def declared(*extras: str) -> dict[str, Requirement]:
    """What the extras name, and what those name that they name themselves."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    found: dict[str, Requirement] = {}
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:
            found |= declared(*requirement.extras)
        else:
            found[canonicalize_name(requirement.name)] = requirement
    return found


def reached(*extras: str) -> set[str]:
    """The distributions that pip installs for these extras, as far as they are installed here."""
    waiting = [(name, frozenset(one.extras)) for name, one in declared(*extras).items()]
    done: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, wanted = this = waiting.pop()
        if this in done:
            continue
        done.add(this)
        for requirement in map(Requirement, requires(name) or ()):
            asked = ({"extra": extra} for extra in (*wanted, ""))
            if requirement.marker is None or any(map(requirement.marker.evaluate, asked)):
                further = frozenset(requirement.extras)
                waiting.append((canonicalize_name(requirement.name), further))
    return {name for name, _ in done}


class _Reached(PathFinder):
    """Finds what the extras reach, the standard library and us, and nothing else."""

    hidden: frozenset[str] = frozenset()

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return None if fullname in cls.hidden else super().find_spec(fullname, path, target)


def main(package: str) -> None:
    """Import every module of a package."""
    there = reached(*INSTALLED[package])
    _Reached.hidden = frozenset(
        top
        for top, those in packages_distributions().items()
        if there.isdisjoint(map(canonicalize_name, those)) and PROJECT["name"] not in those
    )
    sys.meta_path[:] = [_Reached if finder is PathFinder else finder for finder in sys.meta_path]
    places = importlib.import_module(package).__path__
    names = [module.name for module in pkgutil.walk_packages(places, f"{package}.")]
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    print(f"{len(names)} modules of {package}; {len(_Reached.hidden)} packages hidden")


if __name__ == "__main__":
    main(sys.argv[1])
