"""The charts of a report, drawn with matplotlib: as SVG for the page, as PNG to keep.

In the SVG every colour is a CSS variable and every text is text, so that the page's own light and
dark colours and its fonts apply. Texts are our own numbers and words only: people's texts may need
a font that is not here, and stand in the page itself.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from io import BytesIO, StringIO
from math import ceil
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bot.voice.rates import Approvals
from trainer.report.portrait import Portrait
from trainer.training.curve import Curve, smooth

INK, FAINT, LINE = "#585d6b", "#b4bac6", "#e3e6ec"
LEARNT, HELD_OUT = "#3d6fd9", "#e0872f"
COLOURS = {INK: "ink", FAINT: "faint", LINE: "line", LEARNT: "learnt", HELD_OUT: "held-out"}
SIZE_IN = (5, 2.7)  # on a phone 360 points are about as many pixels, so 9-point type stays readable
STYLE: Any = {  # matplotlib's own type is a list of all its settings
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.size": 9,
    "font.family": "DejaVu Sans",  # matplotlib's own
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}
MONTHS_AT_MOST = 60  # bars; a longer time is shown by years
LENGTH_STEP = 20  # characters a bar
LONG_SHARE = 0.02  # of the posts, the longest, share the last bar

Keys = list[tuple[int, int]]


class Picture(NamedTuple):
    """One chart; `name` is that of its PNG."""

    name: str
    title: str
    alt: str  # describes it to those who cannot see it
    svg: str
    png: bytes


def over_time(portrait: Portrait) -> Picture | None:
    """Posts by month, or by year over a long time; None without dates."""
    months = portrait.months + portrait.held_out_months
    if not months:
        return None
    first, last = min(months), max(months)
    span = (last[0] - first[0]) * 12 + last[1] - first[1] + 1
    by_year = span > MONTHS_AT_MOST
    keys: Keys = [(y, 0) for y in range(first[0], last[0] + 1)]
    if not by_year:
        keys = [divmod(first[0] * 12 + first[1] - 1 + i, 12) for i in range(span)]
        keys = [(year, month + 1) for year, month in keys]
    learnt, held_out = (
        _heights(counts, keys, by_year) for counts in (portrait.months, portrait.held_out_months)
    )
    figure, axes = _axes("posts a year" if by_year else "posts a month")
    axes.bar(range(len(keys)), learnt, color=LEARNT, width=0.8)
    axes.bar(range(len(keys)), held_out, bottom=learnt, color=HELD_OUT, width=0.8)
    every = ceil(len(keys) / 12)
    marks = [i for i, (_, m) in enumerate(keys) if (i % every == 0 if by_year else m == 1)]
    if marks:
        axes.set_xticks(marks, [str(keys[i][0]) for i in marks])
    else:
        ends = sorted({0, len(keys) - 1})
        axes.set_xticks(ends, [f"{keys[i][0]}-{keys[i][1]:02}" for i in ends])
    totals = {key: a + b for key, a, b in zip(keys, learnt, held_out, strict=True)}
    busiest = max(totals, key=lambda key: totals[key])
    when = f"{busiest[0]}" if by_year else f"{busiest[0]}-{busiest[1]:02}"
    alt = f"From {first[0]}-{first[1]:02} to {last[0]}-{last[1]:02}; most in {when}:"
    return _picture("years", "Over the years", f"{alt} {totals[busiest]:,} posts.", figure)


def hours(portrait: Portrait, zone: str) -> Picture | None:
    """Posts by the hour of the day; None without dates."""
    if not portrait.hours:
        return None
    figure, axes = _axes("posts")
    counts = [portrait.hours[hour] for hour in range(24)]
    axes.bar(range(24), counts, color=LEARNT, width=0.8)
    axes.set_xticks(range(0, 24, 3), [f"{hour:02}" for hour in range(0, 24, 3)])
    axes.set_xlabel(f"hour, {zone}")
    busiest = max(range(24), key=lambda hour: counts[hour])
    alt = f"Posts by the hour of the day ({zone}); most at {busiest:02} hours: {counts[busiest]:,}."
    return _picture("hours", "Over the day", alt, figure)


def lengths(portrait: Portrait) -> Picture:
    """Posts by length; the longest of all share the last bar."""
    longest, left = 0, portrait.posts * LONG_SHARE
    for longest in sorted(portrait.lengths, reverse=True):
        left -= portrait.lengths[longest]
        if left < 0:
            break
    last = longest // LENGTH_STEP
    bars = Counter[int]()
    for length, count in portrait.lengths.items():
        bars[min(length // LENGTH_STEP, last + 1)] += count
    figure, axes = _axes("posts")
    starts = [bar * LENGTH_STEP for bar in range(last + 2)]
    axes.bar(
        starts,
        [bars[bar] for bar in range(last + 2)],
        width=LENGTH_STEP * 0.85,
        align="edge",
        color=[LEARNT] * (last + 1) + [FAINT],
    )
    axes.margins(y=0.15)  # room for the words above the bars
    middle = portrait.median_length()
    axes.axvline(middle, color=HELD_OUT, lw=1.5)
    axes.annotate(
        f"half are under {middle}",
        (middle, 0.99),
        (5, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        color=INK,
    )
    axes.set_xlabel("characters" + (", the last bar: longer" if bars[last + 1] else ""))
    alt = f"Posts by length in characters; half are under {middle}."
    return _picture("lengths", "How long", alt, figure)


def training(curve: Curve) -> Picture | None:
    """Loss over the steps of the fine-tune; None if nothing was measured."""
    if not curve.steps:
        return None
    figure, axes = _axes("loss, nats a token")
    steps, losses = [s.step for s in curve.steps], [s.loss for s in curve.steps]
    axes.plot(steps, losses, color=FAINT, lw=0.8)
    axes.plot(steps, smooth(losses), color=LEARNT, lw=2)
    alt = f"Training loss over {steps[-1]} steps, from {losses[0]:.2f} to {smooth(losses)[-1]:.2f}"
    if curve.validations:
        points = [(v.step, v.loss) for v in curve.validations]
        axes.plot(*zip(*points, strict=True), "o-", color=HELD_OUT, lw=2, ms=5)
        alt += f"; on held-out posts from {points[0][1]:.2f} to {points[-1][1]:.2f}"
    axes.set_ylim(*_without_outliers(losses, curve))
    axes.set_xlabel("step")
    return _picture("curve", "Learning", alt + ".", figure)


def approvals(weeks: Mapping[date, Approvals]) -> Picture | None:
    """Shares of approved drafts, and of edited ones among them, by week; None without any."""
    decided = [(monday, found) for monday, found in weeks.items() if found.decided]
    if not decided:
        return None
    figure, axes = _axes("of a week's drafts")
    rates = [(monday.toordinal(), found.approval_rate) for monday, found in decided]
    edits = [(day.toordinal(), found.edit_rate) for day, found in decided if found.approved]
    for points, colour in ((rates, LEARNT), (edits, HELD_OUT)):
        if points:
            axes.plot(*zip(*points, strict=True), "o-", color=colour, lw=2, ms=5)
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    days = [monday for monday, _ in decided]
    marks = sorted({days[0], days[len(days) // 2], days[-1]})
    axes.set_xticks([day.toordinal() for day in marks], [str(day) for day in marks])
    axes.set_xlabel("week of")
    alt = f"By week: {rates[0][1]:.0%} approved in that of {days[0]}, {rates[-1][1]:.0%} in that"
    return _picture("approvals", "Approved, and edited first", f"{alt} of {days[-1]}.", figure)


def _without_outliers(losses: Sequence[float], curve: Curve) -> tuple[float, float]:
    """Limits of the axis: one wild batch must not press the rest flat."""
    shown = [*sorted(losses)[: max(1, int(len(losses) * 0.98))]]
    shown += [v.loss for v in curve.validations]
    low, high = min(shown), max(shown)
    margin = 0.06 * (high - low) or 1
    return low - margin, high + margin


def _heights(counts: Counter[tuple[int, int]], keys: Keys, by_year: bool) -> list[int]:
    if by_year:
        years = Counter[int]()
        for (year, _), count in counts.items():
            years[year] += count
        return [years[year] for year, _ in keys]
    return [counts[key] for key in keys]


def _axes(label: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE_IN, layout="constrained")
        axes = figure.subplots()
        axes.grid(axis="y")
        axes.set_ylabel(label)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer="posts" in label))
    return figure, axes


def _picture(name: str, title: str, alt: str, figure: Figure) -> Picture:
    svg, png = StringIO(), BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(png, format="png", dpi=200)
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    return Picture(name, title, alt, _for_page(svg.getvalue()), png.getvalue())


def _for_page(svg: str) -> str:
    """The SVG as HTML needs it: no prolog, no metadata, no names but those referred to."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.S)
    named = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in named else "", svg)
    svg = re.sub(
        r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r"<svg \1 aria-hidden='true'>", svg, count=1
    )
    svg = re.sub(r"font-family: [^;\"]*;", "", svg)
    for colour, name in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.strip()
