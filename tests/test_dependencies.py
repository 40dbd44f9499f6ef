"""pyproject.toml declares every import of each package, and the lock has every declared one."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
DISTRIBUTIONS = packages_distributions()
OURS = ("bot", "trainer", "sandbox", "tests", "bench", "drills", "experiments", "docs")
# The extras that a package is installed with. The sandbox checks its answers where a developer has
# Discord's own specification beside the checkout, and only there.
INSTALLED = {"bot": ("bot",), "trainer": ("trainer", "tweetnlp"), "sandbox": ("sandbox", "dev")}
NOT_IMPORTED = {"tzdata"}  # the standard library reads it, where the system has no time zones
LOCKED = {"bot": ("bot",), "trainer": ("trainer", "sandbox"), "dev": tuple(EXTRAS)}


def _declared(*extras: str) -> dict[str, Requirement]:
    """What the extras name, and what those name that they name themselves."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    found: dict[str, Requirement] = {}
    for requirement in map(Requirement, lines):
        if requirement.name == PROJECT["name"]:
            found |= _declared(*requirement.extras)
        else:
            found[canonicalize_name(requirement.name)] = requirement
    return found


def _imported(package: str) -> set[str]:
    """The distributions that a package's modules import, wherever in the module it is."""
    graph = grimp.build_graph(package, include_external_packages=True, cache_dir=None)
    tops = {name.split(".")[0] for name in graph.modules}
    foreign = tops - {*OURS, "sample"} - sys.stdlib_module_names
    return {canonicalize_name(DISTRIBUTIONS.get(top, [top])[0]) for top in foreign}


@pytest.mark.parametrize("package", OURS)
def test_what_is_imported_is_declared(package: str) -> None:
    extras = INSTALLED.get(package, tuple(EXTRAS))
    assert _imported(package) - _declared(*extras).keys() == set()


def test_what_is_declared_is_imported() -> None:
    for extra in ("bot", "sandbox", "trainer"):
        own = {canonicalize_name(Requirement(line).name) for line in EXTRAS[extra]}
        used = _imported(extra) | NOT_IMPORTED | {PROJECT["name"]}
        assert own - used == set(), extra


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_has_a_good_version_of_all_that_is_declared(name: str) -> None:
    text = "".join((ROOT / "lock" / f"{file}.txt").read_text("utf-8") for file in (name, "torch"))
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!-]+)", text, re.M))
    for wanted, requirement in _declared(*LOCKED[name]).items():
        assert wanted in locked, f"run `make lock`: {wanted}"
        assert requirement.specifier.contains(locked[wanted]), f"run `make lock`: {wanted}"


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_names_no_index_and_a_hash_for_each_file(name: str) -> None:
    text = (ROOT / "lock" / f"{name}.txt").read_text("utf-8")
    assert "://" not in text
    entries = re.split(r"^(?=[a-z])", text, flags=re.M)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
