"""What the biologist's table asks for: checked against the clusters, with merges followed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scsiameseclu.curation.table import Line
from scsiameseclu.errors import UserError


@dataclass(frozen=True)
class Plan:
    """Edits of clusters in the order in which they are applied.

    Attributes
    ----------
    merges
        The cluster that each merged one ends up in, by name.
    splits
        Clusters that are clustered again, after the merges.
    parts
        Lines about parts of split clusters, such as ``3.1``, or that merge something into one.
    """

    merges: dict[str, str] = field(default_factory=dict)
    splits: list[str] = field(default_factory=list)
    parts: list[Line] = field(default_factory=list)


def plan(lines: Sequence[Line], names: Sequence[str]) -> Plan:
    """Check the lines of a table and order their edits.

    Parameters
    ----------
    lines
        From :func:`scsiameseclu.curation.table.read_lines`.
    names
        Names of the clusters that are edited.

    Raises
    ------
    UserError
        A line is repeated, names a cluster that does not exist, both merges and splits it, or
        merges form a cycle.
    """
    first: dict[str, Line] = {}
    for line in lines:
        if line.cluster in first:
            raise UserError(
                f"{_at(line)}: cluster {line.cluster} is already in line "
                f"{first[line.cluster].number}; keep one of the two lines"
            )
        first[line.cluster] = line
        if line.merge_into and line.split:
            raise UserError(
                f"{_at(line)}: cluster {line.cluster} is to be both merged and split; empty one of "
                "the two cells"
            )
    splits = [line.cluster for line in lines if line.split]
    for line in lines:
        for name in filter(None, (line.cluster, line.merge_into)):
            if name not in names and not _may_be_part(name, splits):
                raise unknown(line, name, names)
    ordinary = [line for line in lines if {line.cluster, line.merge_into} - {""} <= set(names)]
    merges = followed([line for line in ordinary if line.merge_into])
    parts = [line for line in lines if line not in ordinary]
    if any(line.split for line in parts):
        line = next(line for line in parts if line.split)
        raise UserError(
            f"{_at(line)}: cluster {line.cluster} is a part of a cluster that is split; parts "
            "cannot be split again"
        )
    return Plan(merges, splits, parts)


def followed(lines: Iterable[Line]) -> dict[str, str]:
    """Where each merged cluster ends up, for lines that merge.

    Raises
    ------
    UserError
        The merges form a cycle.
    """
    into = {line.cluster: line for line in lines}
    ends: dict[str, str] = {}
    for name, line in into.items():
        path = [name]
        while path[-1] in into:
            target = into[path[-1]].merge_into
            if target in path:
                cycle = " → ".join([*path[path.index(target) :], target])
                raise UserError(
                    f"{_at(line)}: the merges form a cycle ({cycle}); leave merge_into of one of "
                    "these clusters empty"
                )
            path.append(target)
        ends[name] = path[-1]
    return ends


def cell_types(
    lines: Sequence[Line], merged: Mapping[str, str], names: Collection[str]
) -> dict[str, Line]:
    """The line that names each cluster, by the cluster's final name.

    A cluster's own line takes precedence; a merged one is named by the lines of its parts if it has
    no name. The parts of a split cluster have its name unless they have lines.

    Parameters
    ----------
    lines
        From :func:`scsiameseclu.curation.table.read_lines`, checked by :func:`plan`.
    merged
        The final name of each cluster that is merged.
    names
        Final names of the clusters.

    Raises
    ------
    UserError
        Lines of clusters that are merged have different names, or a line names a part that does
        not exist.
    """
    named: dict[str, Line] = {}
    for line in lines:
        here = merged.get(line.cluster, line.cluster)
        if not line.split and here not in names and not _parts(here, names):
            raise unknown(line, line.cluster, sorted(names))
        if not line.cell_type:
            continue
        other = named.get(here)
        if other is not None and other.cell_type != line.cell_type:
            raise UserError(
                f"{_at(line)}: cluster {line.cluster} is merged with {other.cluster}, but line "
                f"{other.number} has another cell_type; keep one"
            )
        named.setdefault(here, line)
    found = dict(named)
    for name, line in named.items():
        if name not in names:
            found |= {part: line for part in _parts(name, names) if part not in named}
    return {name: line for name, line in found.items() if name in names}


def unknown(line: Line, name: str, names: Sequence[str]) -> UserError:
    """The error for a line with a cluster that does not exist."""
    return UserError(
        f"{_at(line)}: cluster {name} does not exist; the clusters are {', '.join(names)}: correct "
        "the line or remove it"
    )


def _at(line: Line) -> str:
    return f"{line.source}, line {line.number}"


def _may_be_part(name: str, splits: Collection[str]) -> bool:
    parent, _, number = name.rpartition(".")
    return parent in splits and number.isdigit()


def _parts(name: str, names: Iterable[str]) -> list[str]:
    return [part for part in names if _may_be_part(part, [name])]
