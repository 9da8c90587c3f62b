"""What is measured, and how it is shown."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Ratio:
    """A ratio of two measurements of one run, or a measurement and its bound.

    It is good within ``target``. Only beyond ``limit``, far off, does the benchmark itself fail: machines
    differ, and so do their neighbours.
    """

    value: float
    unit: str
    target: float
    limit: float
    higher_is_better: bool = False

    @property
    def verdict(self) -> str:
        """Nothing when it is good, else how bad it is."""
        sign = -1 if self.higher_is_better else 1
        if sign * self.value <= sign * self.target:
            return ""
        return "misses" if sign * self.value <= sign * self.limit else "FAILS"

    def __str__(self) -> str:
        comparison = ">=" if self.higher_is_better else "<="
        return f"{self.value:.2f} {self.unit} ({comparison} {self.target:g})"


@dataclass(frozen=True)
class Figure:
    """One line of the table; times in seconds, memory in MB above the idle process."""

    name: str
    ratios: tuple[Ratio, ...]
    measured: float | None = None
    floor: float | None = None  # the same bytes, inflated and deflated or copied, with no DICOM work
    yardstick: float | None = None  # the straightforward program
    peak: float | None = None

    @property
    def failed(self) -> bool:
        """Whether a ratio is far off."""
        return any(ratio.verdict == "FAILS" for ratio in self.ratios)


def best(*works: Callable[[], object], rounds: int = 3) -> tuple[float, ...]:
    """Return the seconds of the fastest round of each work, done in turns so that all meet the same neighbours."""
    times = [[_seconds(work) for work in works] for _ in range(rounds)]
    return tuple(map(min, zip(*times, strict=True)))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def machine() -> dict[str, str | int | None]:
    """Say what the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: version(package) for package in ("isal", "pydicom", "flywheel-sdk")},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def table(figures: Iterable[Figure]) -> str:
    """Lay the figures out as text."""
    heading = ("figure", "seconds", "floor", "yardstick", "peak MB", "ratio (target)", "")
    rows = [heading, *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join((lines[0], "-" * sum(widths), *lines[1:]))


def _row(figure: Figure) -> tuple[str, ...]:
    def amount(value: float | None, digits: int = 3) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    return (
        figure.name,
        *map(amount, (figure.measured, figure.floor, figure.yardstick)),
        amount(figure.peak, 0),
        ", ".join(map(str, figure.ratios)),
        " ".join(filter(None, (ratio.verdict for ratio in figure.ratios))),
    )


def write_json(figures: Iterable[Figure], target: Path) -> None:
    """Write the figures and the machine as JSON."""
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    target.write_text(json.dumps(document, indent=2) + "\n")
