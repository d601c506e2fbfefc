"""What the settings file of a stage holds."""

import pytest

from scsiameseclu.stages.config import with_defaults
from scsiameseclu.stages.resolved import resolved


@pytest.mark.parametrize(
    ("row", "read"),
    [
        ({"path": "cells.h5ad"}, False),
        ({"path": "outs"}, False),
        ({"path": "demo:a"}, False),
        ({"path": "cells.CSV.gz"}, True),
        ({"path": "counts.dat", "format": "tsv"}, True),
    ],
)
def test_only_text_tables_need_the_label_to_be_read(row: dict[str, str], read: bool) -> None:
    config = with_defaults({})
    row |= {"sample": "a", "label": "kind", "batch": "donor"}
    request = resolved("ingest", config, row)["request"]
    assert request["batch"] == "donor"
    assert request.get("label") == ("kind" if read else None)
    assert resolved("evaluate", config, row)["label"] == "kind"


def test_clusters_depend_on_the_annotation_only_where_markers_are_a_prior() -> None:
    row = {"path": "cells.h5ad", "organism": "mouse"}
    config = with_defaults({"annotation": {"tissue": "lung"}})
    assert set(resolved("cluster", config, row)) == {"prior", "seed"}
    values = resolved("cluster", config | {"prior": "markers"}, row)
    assert values["prior"] == "markers"
    assert values["settings"]["tissue"] == "lung"
    assert values["organism"] == "mouse"
