"""Conditions on the page of a cohort: composition, expression, and what was not tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scsiameseclu.palette import ABSENT, colour
from scsiameseclu.plotting.conditions import (
    composition_height,
    draw_composition,
    draw_shares,
    draw_volcano,
)
from scsiameseclu.plotting.inks import Inks
from scsiameseclu.report.svg import PAGE, draw
from scsiameseclu.report.tables import (
    Cell,
    Picture,
    Table,
    count,
    decimal,
    listed,
    numbered,
    percent,
    probability,
    real,
    text,
    whole,
)
from scsiameseclu.store.folder import SampleFolder

NOUN = {"clusters": "cluster", "types": "cell type"}
TOP_GENES = 10
"""Number of genes per group and condition in the table."""
MAX_VOLCANOS = 12
"""Number of volcano plots on the page, those with the most changed genes."""
TEXT = ("level", "group", "condition", "reference", "gene", "replicate", "donor", "samples")


@dataclass(frozen=True)
class Comparison:
    """What the stage conditions wrote.

    ``problem`` says why nothing was compared; the tables are empty then. ``shares``, ``tests`` and
    ``genes`` are the tables ``shares_table``, ``composition_table`` and ``differential_table``;
    ``summary`` has one row per group and condition whose expression was to be compared.
    """

    problem: str
    reference: str
    design: str
    level: str
    fdr: float
    shares: pd.DataFrame
    tests: pd.DataFrame
    genes: pd.DataFrame
    summary: pd.DataFrame

    @property
    def conditions(self) -> list[str]:
        """The conditions, the reference first."""
        return list(dict.fromkeys(self.shares["condition"]))


def load_comparison(folder: SampleFolder) -> Comparison:
    """Read the results of the stage conditions."""
    record = folder.uns("conditions", "conditions")
    settings = folder.recorded_settings("conditions")
    return Comparison(
        problem=str(record.get("problem", "")),
        reference=str(record.get("reference", "")),
        design=str(record.get("design", "")),
        level=str(record.get("level", settings["level"])),
        fdr=float(settings["fdr"]),
        shares=_numbers(folder.table("shares_table")),
        tests=_numbers(folder.table("composition_table")),
        genes=_numbers(folder.table("differential_table")),
        summary=record.get("summary", pd.DataFrame()),
    )


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The table with numbers in all columns but those of names."""
    for name in table.columns.difference([*TEXT, "reason"]):
        table[name] = pd.to_numeric(table[name].mask(table[name].isin(["NA", ""])))
    return table


def colours_of(groups: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Colour of each group: those given, otherwise those of the palette; grey for Unassigned."""
    chosen = {name: colour(place) for place, name in enumerate(groups)}
    if "Unassigned" in chosen:
        chosen["Unassigned"] = ABSENT
    return chosen | {name: ink for name, ink in (given or {}).items() if name in chosen}


def _shares(comparison: Comparison, level: str) -> tuple[pd.DataFrame, list[str]]:
    """Shares (n_replicates, n_groups) in the order of the table, and conditions of the rows."""
    rows = comparison.shares[comparison.shares["level"] == level]
    groups, names = rows["group"].unique(), rows["replicate"].unique()
    shares = rows.pivot(index="replicate", columns="group", values="share").loc[names, groups]
    conditions = rows.drop_duplicates("replicate").set_index("replicate")["condition"]
    return shares.fillna(0), [str(conditions[name]) for name in names]


def composition_picture(
    comparison: Comparison, level: str, colours: Mapping[str, str] | None = None
) -> Picture:
    """Stacked bars of the shares of each replicate, grouped by condition."""
    shares, conditions = _shares(comparison, level)
    inks = colours_of([str(name) for name in shares], colours)
    noun = NOUN[level]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        draw_composition(axes, shares, conditions, list(inks.values()), PAGE)

    means = shares.groupby(np.array(conditions), sort=False).mean()
    words = "; ".join(
        f"{name}: "
        + listed([f"{group} {percent(row[group], 1)}" for group in _largest(row)], limit=4)
        for name, row in means.iterrows()
    )
    svg = draw(
        f"conditions-composition-{level}",
        f"Composition of {len(shares)} replicates. Means by condition: {words}.",
        (7.0, composition_height(conditions)),
        paint,
    )
    caption = (
        f"Each bar is a replicate, grouped by condition (right); each colour is the share of a "
        f"{noun} among its cells. Samples of one donor in one condition are one replicate."
    )
    legend = [(ink, name) for name, ink in inks.items()]
    return Picture(svg, f"Composition by {noun}", caption, legend)


def _largest(row: pd.Series) -> list[str]:
    return [str(name) for name in row.sort_values(ascending=False, kind="stable").index[:4]]


def shares_picture(comparison: Comparison, level: str) -> Picture:
    """Share of each group in each replicate, with the result of its test."""
    shares, conditions = _shares(comparison, level)
    names = list(dict.fromkeys(conditions))
    tests = comparison.tests[comparison.tests["level"] == level]
    results = [_result(tests[tests["group"] == name], len(names) == 2) for name in shares]
    inks = [colour(place) for place in range(len(names))]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        draw_shares(axes, shares, conditions, inks, results, PAGE)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, frameon=False, fontsize=8)

    called = tests[tests["adjusted_p"] <= comparison.fdr]
    words = listed([f"{row.group} in {row.condition}" for row in called.itertuples()])
    noun = NOUN[level]
    svg = draw(
        f"conditions-shares-{level}",
        f"Share of each {noun} by replicate. Changed: {words or 'none'}.",
        (7.0, 1.1 + 0.16 * max(2, len(names)) * shares.shape[1]),
        paint,
    )
    caption = (
        f"Each point is a replicate, each line the mean of a condition. Right: log2 change against "
        f"{comparison.reference} relative to the typical {noun}, and its adjusted p-value. A "
        f"{noun} whose share falls only because another one grows has a change near 0."
    )
    return Picture(svg, f"Shares by replicate and {noun}", caption)


def _result(rows: pd.DataFrame, single: bool) -> str:
    """The tests of one group as text."""
    words = []
    for row in rows.to_dict("records"):
        name = "" if single else f"{row['condition']}: "
        if np.isfinite(row["log2_change"]):
            shown = f"{row['log2_change']:+.2f}".replace("-", "−")
            words.append(f"{name}{shown}, p {_short(row['adjusted_p'])}")
        else:
            words.append(f"{name}not tested")
    return "; ".join(words)


def _short(p: float) -> str:
    return decimal(p, 3) if p >= 0.001 else "< 0.001"


def composition_tests(comparison: Comparison, level: str) -> Table:
    """Test of every group, or why there is none."""
    noun = NOUN[level]
    rows = []
    for place, row in enumerate(
        comparison.tests[comparison.tests["level"] == level].to_dict("records")
    ):
        called = row["adjusted_p"] <= comparison.fdr
        interval = (
            f"{decimal(row['low'], 2)} to {decimal(row['high'], 2)}"
            if np.isfinite(row["low"])
            else "–"
        )
        rows.append(
            [
                Cell(str(row["group"]), number=place),
                text(row["condition"]),
                real(100 * row["share_reference"], 1),
                real(100 * row["share"], 1),
                real(row["log2_ratio"], 2),
                real(row["log2_change"], 2),
                text(interval),
                probability(row["adjusted_p"]),
                Cell("changed", tone="warn") if called else text(row["reason"] or "–"),
            ]
        )
    header = (
        *(noun.capitalize(), "Condition", f"% in {comparison.reference}", "% in condition"),
        *("log2 ratio of shares", "log2 change", "95 % interval", "Adjusted p", "Result"),
    )
    return Table(f"conditions-tests-{level}", f"Differential abundance by {noun}", header, rows)


def volcano_pictures(comparison: Comparison) -> list[Picture]:
    """Volcano plots of the groups and conditions with the most changed genes."""
    pictures: list[Picture] = []
    if comparison.summary.empty:
        return pictures
    number = comparison.summary["n_up"] + comparison.summary["n_down"]
    most = number[number > 0].sort_values(ascending=False, kind="stable").index[:MAX_VOLCANOS]
    changed = comparison.summary.loc[sorted(most, key=int)]
    genes = comparison.genes
    for place, row in enumerate(changed.to_dict("records")):
        group, condition = row["group"], row["condition"]
        table = genes[(genes["group"] == group) & (genes["condition"] == condition)]

        def paint(figure: Figure, table: pd.DataFrame = table) -> None:
            draw_volcano(figure.add_subplot(), table, comparison.fdr, (ABSENT, Inks.accent))

        first = table.sort_values("pvalue", kind="stable")["gene"].head(3)
        alt = (
            f"Volcano plot of {group}: {numbered(row['n_up'], 'gene')} higher and "
            f"{count(row['n_down'])} lower in {condition}. Most significant: {listed(list(first))}."
        )
        caption = (
            f"{numbered(row['n_genes'], 'gene')} tested between {row['n_condition']:.0f} "
            f"replicates of {condition} and {row['n_reference']:.0f} of {row['reference']}; right: "
            f"higher in {condition}. Coloured: adjusted p ≤ {comparison.fdr:g} "
            f"({count(row['n_up'])} higher, {count(row['n_down'])} lower)."
        )
        svg = draw(f"conditions-volcano-{place}", alt, (4.2, 3.4), paint)
        pictures.append(Picture(svg, f"{group}: {condition} against {row['reference']}", caption))
    return pictures


def gene_table(comparison: Comparison) -> Table:
    """The most significant genes of every group and condition."""
    genes = comparison.genes[comparison.genes["padj"] <= comparison.fdr]
    top = genes.sort_values("pvalue", kind="stable").groupby(["group", "condition"], sort=True)
    rows = [
        [
            text(row["group"]),
            text(row["condition"]),
            text(row["gene"]),
            real(row["baseMean"], 1),
            real(row["log2FoldChange"], 2),
            real(row["lfcSE"], 2),
            probability(row["pvalue"]),
            probability(row["padj"]),
        ]
        for _, part in top
        for row in part.head(TOP_GENES).to_dict("records")
    ]
    header = (
        *(NOUN[comparison.level].capitalize(), "Condition", "Gene", "Mean count"),
        *("log2 fold change", "Standard error", "p", "Adjusted p"),
    )
    caption = (
        f"Top {TOP_GENES} genes with an adjusted p of at most {comparison.fdr:g}, by group and "
        "condition; all genes: differential_expression.tsv.gz"
    )
    return Table("conditions-genes", caption, header, rows, tall=True)


def summary_table(comparison: Comparison) -> Table:
    """Numbers of changed genes of every group, or why its expression was not compared."""
    rows = [
        [
            text(row["group"]),
            text(row["condition"]),
            whole(row["n_reference"]),
            whole(row["n_condition"]),
            whole(row["n_genes"]),
            whole(row["n_up"]),
            whole(row["n_down"]),
            text(row["reason"] or row["design"]),
        ]
        for row in comparison.summary.to_dict("records")
    ]
    header = (
        *(NOUN[comparison.level].capitalize(), "Condition", "Replicates of the reference"),
        *("Replicates of the condition", "Tested genes", "Higher", "Lower", "Design or reason"),
    )
    return Table("conditions-summary", "Comparison of gene expression", header, rows)


def untested(comparison: Comparison) -> list[str]:
    """Sentences about what was not tested, and why."""
    if comparison.problem:
        return [comparison.problem]
    sentences = []
    parts = [
        (NOUN[str(level)], part) for level, part in comparison.tests.groupby("level", sort=False)
    ]
    if not comparison.summary.empty:
        parts.append((f"expression of {NOUN[comparison.level]}", comparison.summary))
    for what, part in parts:
        left_out = part[part["reason"] != ""]
        for (condition, reason), rows in left_out.groupby(["condition", "reason"], sort=False):
            names = listed([str(name) for name in rows["group"]])
            sentences.append(f"{what} {names} in {condition}: {reason}")
    return sentences


@dataclass(frozen=True)
class ConditionSection:
    """Content of the section; see the template."""

    note: str
    notes: list[str]
    compositions: list[tuple[str, Picture, Table]]
    volcanos: list[Picture]
    summary: Table | None
    genes: Table | None


def condition_section(folder: SampleFolder) -> ConditionSection | None:
    """The section of a cohort with conditions; None otherwise."""
    if not folder.has("conditions"):
        return None
    comparison = load_comparison(folder)
    if comparison.problem:
        return ConditionSection(comparison.problem, [], [], [], None, None)
    names = comparison.conditions
    genes = gene_table(comparison)
    return ConditionSection(
        note=f"{listed(names[1:])} compared with {names[0]}; design {comparison.design}.",
        notes=untested(comparison),
        compositions=[
            (
                f"Composition by {NOUN[level]}",
                shares_picture(comparison, level),
                composition_tests(comparison, level),
            )
            for level in NOUN
        ],
        volcanos=volcano_pictures(comparison),
        summary=summary_table(comparison),
        genes=genes if genes.rows else None,
    )
