"""Damaged files of every format: read as they are, or refused in one sentence, soon and in 2 GB.

The damage is made here, from harmless files and a seed.
"""

from __future__ import annotations

import random

import h5py
import pytest
from damage import DAMAGES, blank, cut, element, flip
from outcome_of_reading import outcome

from scsiameseclu.stages.apart import apart

PARTS = 10
PER_PART = 50
SECONDS = 60


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_files_are_read_or_refused_in_one_sentence(part, counts, writers, tmp_path) -> None:
    rng = random.Random(part)
    kinds = list(writers)
    for variant in range(PER_PART):
        kind = kinds[(part * PER_PART + variant) % len(kinds)]
        writer, name, _ = writers[kind]
        folder = tmp_path / str(variant)
        folder.mkdir()
        path = writer(counts, folder / name)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        damages = (*DAMAGES, element, element) if h5py.is_hdf5(path) else DAMAGES
        damage = rng.choice(damages)
        damage(rng.choice(files), rng)
        what, said = apart(
            outcome, path, seconds=SECONDS, preload=["scsiameseclu.io.sample", "outcome_of_reading"]
        )
        where = f"part {part}, variant {variant}: {kind}, {damage.__name__}: {said}"
        assert what in ("read", "refused"), where
        if what == "refused":
            assert all("\n" not in sentence and len(sentence) < 1000 for sentence in said), where
            assert all(str(path) in sentence for sentence in said), where
        else:
            n_cells, n_genes, total = said
            # lines of a text that are missing, or numbers that are others, cannot be seen
            if damage in (cut, flip, blank) and kind.startswith(("10x", "mtx", "h5ad", "loom")):
                # a damaged feature type is another type, of which a note says that it is left out
                assert n_cells == counts.values.shape[0], where
                assert n_genes == counts.values.shape[1] or kind == "10x_h5", where
            assert total > 0, where
