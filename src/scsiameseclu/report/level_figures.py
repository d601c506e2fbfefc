"""The tree of clusters from coarse to fine, and the genes that speak for its splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from scsiameseclu.clustering.nodes import leaf_order, node_name, splits
from scsiameseclu.palette import colour
from scsiameseclu.plotting.levels import Node, draw_tree
from scsiameseclu.report.finished_sample import FinishedSample, read_table
from scsiameseclu.report.svg import PAGE, draw
from scsiameseclu.report.tables import Cell, Picture, Table, count, listed, real, text, whole
from scsiameseclu.store.folder import SampleFolder

MAX_LEVELS = 8
GENES = 6
MAX_NAMES = 3


@dataclass(frozen=True)
class Tree:
    """The tree of clusters of a sample, as written by the stage cluster.

    ``groups``, ``stability`` (n_levels, n_leaves) and ``agreement`` (n_levels,) are those of
    :class:`scsiameseclu.clustering.tree.LevelTree`; ``sizes``, ``clusters`` and ``names`` are the
    number of cells, the cluster and the name of each leaf, (n_leaves,).
    """

    groups: np.ndarray
    stability: np.ndarray
    agreement: np.ndarray
    sizes: np.ndarray
    clusters: list[str]
    names: list[str]

    @classmethod
    def of(cls, folder: SampleFolder) -> Tree:
        """Read the tree of a sample."""
        tree = folder.uns("levels", "levels")
        groups = np.asarray(tree["groups"])
        leaves = folder.obs("levels")["leaf"].to_numpy()
        return cls(
            groups,
            np.asarray(tree["stability"], dtype=float),
            np.asarray(tree["agreement"], dtype=float),
            np.bincount(leaves, minlength=groups.shape[1]),
            [str(name) for name in tree["clusters"]],
            [str(name) for name in tree["leaves"]],
        )

    @property
    def numbers(self) -> np.ndarray:
        """Number of clusters at each level, (n_levels,)."""
        return np.asarray(self.groups.max(axis=1) + 1)

    def name(self, leaves: np.ndarray) -> str:
        """Name of the node with these leaves."""
        return node_name(leaves, self.clusters, self.names)


def tree_picture(sample: FinishedSample) -> Picture | None:
    """The tree, with a row per level; None if there is a single level."""
    tree = Tree.of(sample.folder)
    if len(tree.groups) < 2:
        return None
    marked = _marked_levels(sample, tree)
    shown = _shown_levels(len(tree.groups), list(marked))
    nodes, edges = _nodes_and_edges(tree, shown)
    rows = [
        f"{tree.numbers[level]} clusters" + (f" ({marked[level]})" if level in marked else "")
        for level in shown
    ]
    size = (max(5.0, 1.9 + 0.62 * tree.groups.shape[1]), 0.8 + 0.62 * len(shown))

    def paint(figure: Figure) -> None:
        draw_tree(figure.add_subplot(), nodes, edges, rows, PAGE)

    words = "; ".join(
        f"{tree.numbers[level]} clusters: agreement {tree.agreement[level]:.2f}" for level in shown
    )
    moves = "; ".join(
        f"{tree.name(split.parent)} splits into {listed([tree.name(c) for c in split.children])}"
        for split in splits(tree.groups[shown])
    )
    caption = (
        "Tree of clusters. Disc: a cluster, its area the number of cells, its opacity the "
        "stability (Jaccard index with clusterings of about as many clusters). Line: cells that "
        "two clusters share. The number below a name is the stability."
    )
    alt = f"Tree of clusters from coarse to fine. {words}. {moves}."
    return Picture(draw("tree", alt, size, paint), "From coarse to fine", caption)


def _marked_levels(sample: FinishedSample, tree: Tree) -> dict[int, str]:
    """Levels with a name: coarse, default and fine."""
    numbers = {
        "coarse": sample.cells["siamese_coarse"].nunique(),
        "default": len(set(tree.clusters)),
        "fine": sample.cells["siamese_fine"].nunique(),
    }
    marked: dict[int, list[str]] = {}
    for word, number in numbers.items():
        for level in np.flatnonzero(tree.numbers == number):
            marked.setdefault(int(level), []).append(word)
    return {level: ", ".join(words) for level, words in marked.items()}


def _shown_levels(n_levels: int, marked: list[int]) -> list[int]:
    """At most eight levels: the first, the last, those with a name, and others at equal steps."""
    kept = {0, n_levels - 1, *marked}
    for level in np.linspace(0, n_levels - 1, min(n_levels, MAX_LEVELS)).round().astype(int):
        if len(kept) < MAX_LEVELS:
            kept.add(int(level))
    return sorted(kept)


def _nodes_and_edges(
    tree: Tree, shown: list[int]
) -> tuple[list[Node], list[tuple[int, int, float]]]:
    """Discs and lines of the shown levels; colours are those of the clusters on this page."""
    place = np.empty(tree.groups.shape[1])
    place[leaf_order(tree.groups)] = np.arange(len(place))
    total = tree.sizes.sum()
    largest = list(dict.fromkeys(sorted(tree.clusters, key=_number)))
    nodes: list[Node] = []
    edges: list[tuple[int, int, float]] = []
    above: dict[int, int] = {}
    for row, level in enumerate(shown):
        here: dict[int, int] = {}
        for group in np.unique(tree.groups[level]):
            leaves = tree.groups[level] == group
            main = tree.clusters[int(np.flatnonzero(leaves)[tree.sizes[leaves].argmax()])]
            stability = float(tree.stability[level][leaves][0])
            position = len(nodes)
            here |= dict.fromkeys(map(int, np.flatnonzero(leaves)), position)
            nodes.append(
                Node(
                    row,
                    float(np.average(place[leaves])),
                    float(tree.sizes[leaves].sum() / total),
                    stability,
                    colour(largest.index(main)),
                    f"{_short(tree.name(leaves))}\n{stability:.2f}",
                )
            )
            if above:
                parent = above[int(np.flatnonzero(leaves)[0])]
                edges.append((parent, position, nodes[-1].share))
        above = here
    return nodes, edges


def _number(name: str) -> list[int]:
    return [int(part) for part in name.split(".")]


def _short(name: str) -> str:
    """At most three of the names that a node is made of."""
    parts = name.split("+")
    return name if len(parts) <= MAX_NAMES else "+".join([*parts[:MAX_NAMES], "…"])


def split_table(sample: FinishedSample) -> Table | None:
    """One row per split, with the top genes of either part; None without splits."""
    tree = Tree.of(sample.folder)
    genes = read_table(sample.folder, "splits_table").astype({"parent": str, "child": str})
    rows = []
    for split in splits(tree.groups):
        parent = tree.name(split.parent)
        level = split.level + 1
        for child in split.children:
            name = tree.name(child)
            top = genes[(genes["parent"] == parent) & (genes["child"] == name)]
            rows.append(
                [
                    text(f"{parent} → {name}"),
                    whole(int(tree.numbers[level])),
                    whole(int(tree.sizes[child].sum())),
                    real(float(tree.stability[level][child][0]), 2),
                    real(float(tree.agreement[level]), 2),
                    Cell(", ".join(top.sort_values("rank")["gene"].head(GENES)) or "–"),
                ]
            )
    if not rows:
        return None
    header = ("Split", "Clusters", "Cells", "Stability", "Agreement", "Genes of this part")
    caption = f"Splits in the tree of clusters, from coarse to fine; {count(len(rows))} parts"
    return Table("splits-table", caption, header, rows, tall=True)
