"""A full disk is named, whatever the library that writes makes of it. The disk is a real one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scsiameseclu.store.atomic import atomic_path
from scsiameseclu.store.space import existing, is_full

MOUNTED = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
SMALL_DISK = 'mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"'
WRITERS = {
    "torch": "torch.save({'a': torch.from_numpy(values)}, path)",
    "h5py": "with h5py.File(path, 'w') as file: file['a'] = values",
    "h5ad": "write_h5ad(ad.AnnData(values), path)",
    "numpy": "with path.open('wb') as file: np.save(file, values)",
    "gzip": "with gzip.open(path, 'wb', 1) as file: scipy.io.mmwrite(file, values)",
    "safetensors": "safetensors.numpy.save_file({'a': values}, path)",
    "checkpoint": "Checkpoint(path, '').offer(lambda: {'a': torch.from_numpy(values)}, now=True)",
    "pandas": "pd.DataFrame(values).to_csv(path)",
}
PROGRAM = """
import gzip, os, sys
from pathlib import Path
import anndata as ad, h5py, numpy as np, pandas as pd, safetensors.numpy, scipy.io, torch
from scsiameseclu.stages.endings import ending_of
from scsiameseclu.store.atomic import atomic_path
from scsiameseclu.store.files import write_h5ad
from scsiameseclu.training.checkpoint import Checkpoint
values = np.random.default_rng(0).random((2000, 2000), dtype=np.float32)
values = np.concatenate([values, values + 1])
folder = Path(sys.argv[1])
WRITERS = {writers!r}
for name, line in WRITERS.items():
    try:
        with atomic_path(folder / name) as path:
            exec(line)
    except Exception as error:
        ending = ending_of(error, "train", folder, None)
        print(name, ending.code, ending.reason[:13], flush=True)
    print(name, sorted(os.listdir(folder)), flush=True)
(folder / "filler").write_bytes(bytes(9 * 2**20))
ending = ending_of(RuntimeError("hidden"), "train", folder, None)
print(ending.code, ending.reason, flush=True)
os._exit(0)  # HDF5 may crash while it closes what it could not write
"""


def on_a_small_disk(folder: Path, program: str) -> str:
    """What a program of Python prints; its first argument is a folder with 16 MB of space."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    start = [*MOUNTED, SMALL_DISK, str(folder)]
    if subprocess.run([*start, "true"], capture_output=True).returncode:
        pytest.skip("this system lets users mount nothing")
    done = subprocess.run(
        [*start, sys.executable, "-c", program, str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_library_that_writes_on_a_full_disk(tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path, PROGRAM.format(writers=WRITERS)).splitlines()
    expected = []
    for name in WRITERS:
        expected += [f"{name} {os.EX_TEMPFAIL} no space left", f"{name} []"]
    assert said[:-1] == expected
    assert said[-1].startswith(f"{os.EX_TEMPFAIL} no space left (or no quota) for {tmp_path}")


CRASHED = """
import signal, sys
from pathlib import Path
from scsiameseclu.stages.program_run import ProgramRun
from scsiameseclu.stages.watching import Death
folder = Path(sys.argv[1])
run = ProgramRun("assemble", "s", folder, None, 1)
death = Death(signal.SIGSEGV, peak_mb=100, out_of_memory=False)
print(run.died(death), (folder / "stages" / "failure.json").read_text().count("crashed"))
(folder / "filler").write_bytes(bytes(9 * 2**20))
print(run.died(Death(signal.SIGBUS, peak_mb=100, out_of_memory=False)))
(folder / "stages" / "failure.json").unlink()
print(run.died(death), (folder / "stages" / "failure.json").read_text().count("no space left"))
"""


def test_a_crash_on_a_full_disk(tmp_path: Path) -> None:
    """Recorded as a lack of space, unless the stage has given a reason before."""
    said = on_a_small_disk(tmp_path, CRASHED).split()
    bus, segv = 128 + signal.SIGBUS, 128 + signal.SIGSEGV
    assert said == [str(segv), "1", str(bus), str(os.EX_TEMPFAIL), "1"]


def test_with_space_an_error_stays_what_it_is(tmp_path: Path) -> None:
    assert not is_full(tmp_path)
    with pytest.raises(ValueError, match="odd"), atomic_path(tmp_path / "file"):
        raise ValueError("odd")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", [Path, lambda path: path / "a", lambda path: path / "a" / "b"])
def test_the_nearest_folder_that_exists(missing: Callable[[Path], Path], tmp_path: Path) -> None:
    assert existing(missing(tmp_path)) == tmp_path
    assert not is_full(missing(tmp_path))
