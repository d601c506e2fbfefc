"""One self-contained HTML page with all tables and figures.

    python benchmarks/page.py [accuracy.csv]

Writes ``benchmarks/results/accuracy.html`` from accuracy.csv and, where they are beside it in the
results, reliability.csv and loso.csv.
"""

import argparse
from pathlib import Path

import pandas as pd
import plots
import reliability
from accuracy import PANEL
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from rows import ACCURACY, HERE, RESULTS, origin, read
from summary import Table, tables


def style() -> Markup:
    """The style sheet of the reports, which follows the reader's light or dark scheme."""
    from importlib.resources import files

    sheet = files("scsiameseclu.report") / "templates" / "style.css"
    return Markup(sheet.read_text(encoding="utf-8"))


def choice_table(path: Path) -> Table | None:
    """Table of loso.csv with its means, if the file exists and is not empty."""
    if not path.is_file() or (choice := pd.read_csv(path)).empty:
        return None
    scores = choice.columns[2:]
    body = [
        (line["left_out"], line["chosen"], *(f"{line[score]:.3f}" for score in scores))
        for _, line in choice.iterrows()
    ]
    means = (f"{value:.3f}" for value in choice[list(scores)].mean())
    return Table(
        "What the choice of the default is worth",
        (
            "For each study the variant that is best on the others (mean of ARI with k given and "
            "k unknown), and what it reaches on the study that had no say.",
        ),
        ("left out", "chosen by the others", *(_in_words(score) for score in scores)),
        (*body, ("mean of the studies", "", *means)),
        n_totals=1,
    )


def _in_words(score: str) -> str:
    measure, k = score.split("_")
    return f"{measure.upper()}, k {k}"


def render(rows: pd.DataFrame, calibration: pd.DataFrame | None, choice: Table | None) -> str:
    """The page as HTML."""
    from scsiameseclu.report.svg import draw

    figures = {
        "accuracy": draw(
            "accuracy",
            "Adjusted Rand index of each method and seed on each data set, with the number of "
            "clusters given and unknown; the tables hold the same numbers.",
            plots.SIZE,
            lambda figure: plots.accuracy(figure, rows),
        )
    }
    if calibration is not None:
        figures["reliability"] = draw(
            "reliability",
            "Share of cells on which another run agrees, by confidence, with the number of "
            "clusters given and unknown.",
            plots.RELIABILITY_SIZE,
            lambda figure: plots.reliability(figure, calibration),
        )
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        style=style(),
        figures=figures,
        tables=tables(rows),
        choice=choice,
        errors=[] if calibration is None else reliability.told(calibration),
        panel=PANEL,
        origin=origin(rows),
    )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path, default=ACCURACY)
    parser.add_argument("--reliability", type=Path, default=RESULTS / "reliability.csv")
    parser.add_argument("--loso", type=Path, default=RESULTS / "loso.csv")
    parser.add_argument("--output", type=Path, default=RESULTS / "accuracy.html")
    arguments = parser.parse_args()
    there = arguments.reliability.is_file()
    calibration = pd.read_csv(arguments.reliability) if there else None
    page = render(read(arguments.rows), calibration, choice_table(arguments.loso))
    arguments.output.write_text(page, encoding="utf-8")
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
