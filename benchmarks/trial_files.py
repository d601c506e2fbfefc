"""Trials of what is read: damaged count files, damaged models, and odd settings."""

import random
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
from damage import DAMAGES, blank, cut, element, flip
from formats import WRITERS, small_counts
from outcome_of_reading import outcome

from scsiameseclu.errors import UserError
from scsiameseclu.options import rules
from scsiameseclu.run_settings import SECTIONS, RunSettings
from scsiameseclu.stages.apart import EndedEarlyError, apart

SECONDS = 60
PRELOAD = ["scsiameseclu.io.sample", "outcome_of_reading"]
Trial = Callable[[random.Random], tuple[str, str]]
ODD: tuple[Any, ...] = (
    *(float("nan"), float("inf"), -float("inf"), -1, 0, 10**30, 1e300, 0.5, True, None, "", " "),
    *("nan", ".inf", "1e400", "two\nlines", "-x", "{a}", "a\0b", "null", "off", [], [1], {}),
    *({"a": 1}, "é" * 50, "../..", "=1+1", "x" * 5000),
)
NO_NUMBERS = (float("nan"), float("inf"), -float("inf"), "two\nlines", [], [1], {"a": 1})
"""Values that no setting may have."""


def damaged_file(work: Path) -> Trial:
    """A count file of any format, with one damage."""
    counts, folder = small_counts(), work / "file"

    def trial(rng: random.Random) -> tuple[str, str]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        kind = rng.choice(list(WRITERS))
        writer, name, _ = WRITERS[kind]
        path = writer(counts, folder / name)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        damage = rng.choice((*DAMAGES, element, element) if h5py.is_hdf5(path) else DAMAGES)
        damage(rng.choice(files), rng)
        what = f"{kind}, {damage.__name__}"
        try:
            said, detail = apart(outcome, path, seconds=SECONDS, preload=PRELOAD)
        except TimeoutError:
            return "stuck", what
        except EndedEarlyError:
            return "ended", what
        if said == "refused":
            fine = all("\n" not in text and str(path) in text for text in detail)
            return ("refused" if fine else "raised"), f"{what}: {detail}"
        if said == "read":
            n_cells, n_genes, total = detail
            binary = kind.startswith(("10x", "mtx", "h5ad", "loom"))
            same = (n_cells, n_genes) == counts.values.shape or kind == "10x_h5"
            if total <= 0 or (binary and damage in (cut, flip, blank) and not same):
                return "silent", f"{what}: {detail}"
        return str(said), f"{what}: {detail}"

    return trial


def damaged_model(work: Path) -> Trial:
    """A saved model of which one file is damaged, exchanged or removed."""
    import anndata as ad

    from scsiameseclu import ModelSettings, ScSiameseClu, datasets

    settings = ModelSettings(networks=1, pretrain_steps=20, hidden_size=16, latent_size=8)
    saved, folder = [work / "model0", work / "model1"], work / "model"
    for seed, target in enumerate(saved):
        cells: ad.AnnData = datasets.pbmc()
        model = ScSiameseClu(3, settings=settings, random_state=seed, device="cpu", n_top_genes=200)
        model.fit(cells).save(target)

    def exchange(path: Path, rng: random.Random) -> None:
        shutil.copy(saved[1] / path.name, path)

    def remove(path: Path, rng: random.Random) -> None:
        path.unlink()

    def trial(rng: random.Random) -> tuple[str, str]:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(saved[0], folder)
        path = rng.choice(sorted(folder.iterdir()))
        before = path.read_bytes()
        damage = rng.choice([*DAMAGES, exchange, remove])
        damage(path, rng)
        what = f"{path.name}, {damage.__name__}"
        if path.is_file() and path.read_bytes() == before:
            return "unchanged", what
        try:
            ScSiameseClu.load(folder)
        except UserError as error:
            return ("refused" if "\n" not in str(error) else "raised"), f"{what}: {error}"
        except Exception:
            return "raised", f"{what}: {traceback.format_exc()}"
        return "loaded", what

    return trial


def odd_setting(work: Path) -> Trial:
    """A config or a row of the sheet with one odd value."""
    from scsiameseclu.stages.config import checked
    from scsiameseclu.stages.sheet import check_sheet

    sheet = work / "samples.tsv"
    places = [(None, name) for name in rules(RunSettings)]
    places += [(section, name) for section in SECTIONS for name in rules(SECTIONS[section])]
    columns = sorted(_columns())

    def of_config(rng: random.Random) -> tuple[str, str]:
        section, name = rng.choice(places)
        value = rng.choice(ODD)
        sheet.write_text("sample\tpath\na\tdemo:a\nb\tdemo:b\n")
        config: dict[str, Any] = {"samples": str(sheet)}
        if section is None:
            config[name] = value
        else:
            config[section] = {name: value}
        problems = checked(config)[2]
        accepts_nothing = any(value is odd or value == odd for odd in NO_NUMBERS)
        if not problems and (accepts_nothing or value != value):
            return "silent", f"{section}.{name} = {value!r:.60}"
        return ("refused" if problems else "accepted"), f"{section}.{name} = {value!r:.60}"

    def of_sheet(rng: random.Random) -> tuple[str, str]:
        column, value = rng.choice(columns), str(rng.choice(ODD))
        sheet.write_text(f"sample\tpath\t{column}\na\tdemo:a\t{value}\nb\tdemo:b\t\n")
        problems = check_sheet(str(sheet)).all_problems
        return ("refused" if problems else "accepted"), f"{column} = {value!r:.60}"

    def trial(rng: random.Random) -> tuple[str, str]:
        attempt = rng.choice([of_config, of_sheet])
        try:
            return attempt(rng)
        except UserError as error:
            return "refused", str(error)
        except Exception:
            return "raised", traceback.format_exc()

    return trial


def _columns() -> set[str]:
    from scsiameseclu.stages.columns import COLUMNS

    return {*COLUMNS, "meta_x"} - {"sample", "path"}
