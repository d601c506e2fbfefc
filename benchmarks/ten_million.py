"""What ten million cells would take: the fitted model of memory and time, far beyond its data.

    python benchmarks/ten_million.py [--cells 10000000] [--values 586 2000] [--memory-gb 128]

For each number of stored values per cell, predicts peak memory and time of every stage of one
sample from ``stages/resources.json`` (fitted up to a million cells on two cores) and says which
stages exceed the memory of a node. Nothing is run: a linear model ten times beyond its largest
measurement shows orders of magnitude and the order in which stages fail. Writes
``benchmarks/results/ten-million.md``.
"""

import argparse
from pathlib import Path

from scsiameseclu.stages.resources import Size, coefficients, predicted

RESULT = Path(__file__).resolve().parent / "results" / "ten-million.md"
GENES = 20_000
STAGES = (
    *("ingest", "quality", "expression", "graph", "train", "layout", "markers", "annotate"),
    *("evaluate", "assemble", "report"),
)
BYTES_PER_VALUE = {"int32": 8, "int64": 12}
"""Bytes of a stored value of a CSR matrix in single precision, by the type of its indices."""
LARGEST_INT32 = 2**31 - 1


def table(cells: int, values: list[int], memory_gb: float) -> str:
    """The page: one row per stage, one column of memory and of hours for each depth."""
    sizes = [Size(cells, GENES, cells * number) for number in values]
    heads = [f"{number:,} values per cell: GB | hours" for number in values]
    lines = [
        f"# {cells:,} cells, predicted",
        "",
        f"One sample of {cells:,} cells and {GENES:,} genes, by the model that the rules request "
        "memory and time with (`benchmarks/ten_million.py`). Nothing was run.",
        "",
        f"| stage | {' | '.join(heads)} |",
        "|---" * (1 + 2 * len(values)) + "|",
    ]
    totals = [0.0] * len(sizes)
    failing: dict[str, list[int]] = {}
    for stage in (name for name in STAGES if name in coefficients()):
        row = []
        for position, size in enumerate(sizes):
            megabytes, seconds = predicted(stage, size)
            totals[position] += seconds
            row.append(f"{megabytes / 1e3:,.0f} | {seconds / 3600:.1f}")
            if megabytes > memory_gb * 1e3:
                failing.setdefault(stage, []).append(values[position])
        lines.append(f"| {stage} | {' | '.join(row)} |")
    lines.append("| **all** | " + " | ".join(f"– | {total / 3600:.1f}" for total in totals) + " |")
    lines += ["", f"Beyond {memory_gb:g} GB:"]
    lines += [
        f"- {stage}, at {' and '.join(f'{number:,}' for number in numbers)} values per cell"
        for stage, numbers in failing.items()
    ] or ["- no stage"]
    lines += ["", "The counts alone, in memory:"]
    for number, size in zip(values, sizes, strict=True):
        indices = "int32" if size.nonzeros <= LARGEST_INT32 else "int64"
        gigabytes = size.nonzeros * BYTES_PER_VALUE[indices] / 1e9
        lines.append(
            f"- {number:,} values per cell: {gigabytes:,.0f} GB, with {indices} indices "
            f"({size.nonzeros:,} values)"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Write and print the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", type=int, default=10_000_000)
    parser.add_argument("--values", type=int, nargs="+", default=[586, 2000])
    parser.add_argument("--memory-gb", type=float, default=128)
    options = parser.parse_args()
    text = table(options.cells, options.values, options.memory_gb)
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
