"""Draws the code: which box of the bot and of the trainer imports which, as a table.

A box is a direct child of the package; an import for the type checker alone is no arrow. Reads the
layers from the folder's own pyproject.toml.
"""

import argparse
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import grimp

PACKAGES = ("trainer", "bot")
Arrow = tuple[str, str]  # who imports, what is imported


@dataclass(frozen=True, slots=True)
class Drawing:
    """The boxes of a package and the arrows between them."""

    package: str
    boxes: tuple[str, ...]
    arrows: tuple[Arrow, ...]

    def upwards(self, layers: list[set[str]]) -> list[Arrow]:
        """Arrows to a box that is not below the importer's."""
        height = {box: -n for n, layer in enumerate(layers) for box in layer}
        return [(a, b) for a, b in self.arrows if height.get(a, 0) <= height.get(b, 0)]

    def circles(self) -> list[set[str]]:
        """Sets of boxes that reach each other, one for each circle."""
        reached = {box: self._below(box) for box in self.boxes}
        found: list[set[str]] = []
        for box in self.boxes:
            circle = {other for other in reached[box] if box in reached[other]}
            if circle and circle not in found:
                found.append(circle)
        return found

    def _below(self, box: str) -> set[str]:
        found: set[str] = set()
        waiting = [box]
        while waiting:
            here = waiting.pop()
            new = {b for a, b in self.arrows if a == here} - found
            found |= new
            waiting += new
        return found


def draw(package: str) -> Drawing:
    """Draws a package that `sys.path` finds, without running it."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    box = {module: ".".join(module.split(".")[1:2]) for module in graph.modules}
    arrows = {
        (box[module], box[imported])
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    return Drawing(
        package,
        tuple(sorted(set(box.values()) - {""})),
        tuple(sorted((a, b) for a, b in arrows if a != b and a and b)),
    )


def layers(folder: Path, package: str) -> list[set[str]] | None:
    """The boxes of each layer, the top one first; None if no contract names them."""
    settings = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    for contract in settings["tool"].get("importlinter", {}).get("contracts", []):
        if contract["type"] == "layers" and contract["containers"] == [package]:
            return [{box.strip(" ()") for box in row.split("|")} for row in contract["layers"]]
    return None


def _print(drawing: Drawing, stacked: list[set[str]] | None) -> None:
    print(f"{drawing.package}: {len(drawing.boxes)} boxes, {len(drawing.arrows)} arrows")
    rows = defaultdict(list)
    for a, b in drawing.arrows:
        rows[a].append(b)
    for box in drawing.boxes:
        print(f"  {box:<17} {' '.join(rows[box]) or '-'}")
    if stacked is None:
        print("  upwards: no contract says what stands above what")
    else:
        upwards = [f"{a} -> {b}" for a, b in drawing.upwards(stacked)]
        print(f"  upwards: {', '.join(upwards) or 'none'}")
    circles = ["{" + ", ".join(sorted(circle)) + "}" for circle in drawing.circles()]
    print(f"  circles: {', '.join(circles) or 'none'}\n")


def main() -> None:
    """Prints the drawing of both packages in this folder, or in the one named."""
    parser = argparse.ArgumentParser(prog="bench.rooms", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="another checkout")
    folder = parser.parse_args().folder.resolve()
    sys.path.insert(0, str(folder))
    for package in PACKAGES:
        _print(draw(package), layers(folder, package))


if __name__ == "__main__":
    main()
