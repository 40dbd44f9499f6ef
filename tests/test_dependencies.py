"""pyproject.toml declares every import of each package, and the lock has every declared one."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.reached import EXTRAS, INSTALLED, PROJECT, ROOT, declared, reached

DISTRIBUTIONS = packages_distributions()
OURS = ("bot", "trainer", "sandbox", "tests", "bench", "drills", "experiments", "docs")
DECLARED = INSTALLED | {"trainer": ("trainer", "tweetnlp"), "sandbox": ("sandbox", "dev")}
NOT_IMPORTED = {"tzdata"}  # the standard library reads it, where the system has no time zones
ASKED_FOR = {"bench": {"datasets", "trl"}}  # compared with where somebody installed them, by hand
LOCKED = {"bot": ("bot",), "trainer": ("trainer", "sandbox"), "dev": tuple(EXTRAS)}


def _imported(package: str) -> set[str]:
    """The distributions that a package's modules import, wherever in the module it is."""
    graph = grimp.build_graph(package, include_external_packages=True, cache_dir=None)
    tops = {name.split(".")[0] for name in graph.modules}
    foreign = tops - {*OURS, "sample"} - sys.stdlib_module_names
    return {canonicalize_name(DISTRIBUTIONS.get(top, [top])[0]) for top in foreign}


@pytest.mark.parametrize("package", OURS)
def test_what_is_imported_is_declared(package: str) -> None:
    extras = DECLARED.get(package, tuple(EXTRAS))
    assert _imported(package) - declared(*extras).keys() == ASKED_FOR.get(package, set())


@pytest.mark.timeout(300)  # of the trainer: torch and more
@pytest.mark.parametrize("package", INSTALLED)
def test_a_package_imports_with_what_its_extras_reach_alone(package: str) -> None:
    command = [sys.executable, "-m", "tests.reached", package]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 5


def test_the_bot_does_not_reach_the_trainers_libraries() -> None:
    assert reached("bot").isdisjoint({"torch", "transformers", "scikit-learn"})
    assert {"torch", "aiohttp", "discord-py"} <= reached("trainer")


def test_what_is_declared_is_imported() -> None:
    for extra in ("bot", "sandbox", "trainer"):
        own = {canonicalize_name(Requirement(line).name) for line in EXTRAS[extra]}
        used = _imported(extra) | NOT_IMPORTED | {PROJECT["name"]}
        assert own - used == set(), extra


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_has_a_good_version_of_all_that_is_declared(name: str) -> None:
    text = "".join((ROOT / "lock" / f"{file}.txt").read_text("utf-8") for file in (name, "torch"))
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.+!-]+)", text, re.M))
    for wanted, requirement in declared(*LOCKED[name]).items():
        assert wanted in locked, f"run `make lock`: {wanted}"
        assert requirement.specifier.contains(locked[wanted]), f"run `make lock`: {wanted}"


@pytest.mark.parametrize("name", LOCKED)
def test_the_lock_names_no_index_and_a_hash_for_each_file(name: str) -> None:
    text = (ROOT / "lock" / f"{name}.txt").read_text("utf-8")
    assert "://" not in text
    entries = re.split(r"^(?=[a-z])", text, flags=re.M)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
