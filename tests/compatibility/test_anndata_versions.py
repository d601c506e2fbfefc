"""What we write opens in the versions of anndata that other tools are pinned to.

Each version is installed alone in an environment of its own: `make test-compatibility`.
"""

import json
import subprocess
from pathlib import Path

import pytest
from finished import build

from scsiameseclu.store.folder import SampleFolder

# version: the oldest Python it runs on here
VERSIONS = {"0.10.9": "3.11", "0.11.4": "3.11", "0.12.19": "3.11", "0.13.*": "3.12"}
LOOK = """
import json, sys
import anndata
for path in sys.argv[1:]:
    adata = anndata.read_h5ad(path)
    print(json.dumps({
        "version": anndata.__version__,
        "shape": adata.shape,
        "X": None if adata.X is None else float(adata.X.sum()),
        "layers": sorted(name for name in adata.layers if name is not None),  # 0.13 lists X
        "obs": sorted(adata.obs.columns),
        "obsm": sorted(adata.obsm),
        "obsp": sorted(adata.obsp),
        "uns": sorted(adata.uns),
        "clusters": adata.obs["siamese"].value_counts().to_dict() if "siamese" in adata.obs else {},
    }))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> SampleFolder:
    return build(tmp_path_factory.mktemp("compatibility") / "results")


def python_of(version: str) -> str:
    """A Python of at least this version; pyenv's where the one on PATH is older."""
    names = [f"python{version}", f"python3.{int(version.split('.')[1]) + 1}"]
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for name in [*names, *map(str, pyenv)]:
        try:
            if subprocess.run([name, "-c", "import venv"], capture_output=True).returncode == 0:
                return name
        except FileNotFoundError:
            continue
    raise AssertionError(f"no Python {version} on this machine")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_file_opens(version: str, folder: SampleFolder, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python_of(VERSIONS[version]), "-m", "venv", tmp_path / "venv"], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", f"anndata=={version}"]
    subprocess.run(pip, check=True)
    files = sorted(folder.directory.rglob("*.h5ad"))
    assert len(files) == 12
    done = subprocess.run(
        [python, "-W", "ignore", "-c", LOOK, *files], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    seen = dict(zip(files, map(json.loads, done.stdout.splitlines()), strict=True))
    whole = seen[folder.path("deliverable")]
    assert whole["version"].startswith(version.removesuffix("*"))
    expected = folder.read("deliverable")
    assert tuple(whole["shape"]) == expected.shape
    assert whole["X"] == pytest.approx(float(expected.X.sum()), rel=1e-5)
    assert whole["layers"] == ["counts"]
    for slot in ("obs", "obsm", "obsp", "uns"):
        assert whole[slot] == sorted(getattr(expected, slot)), slot
    assert whole["clusters"] == expected.obs["siamese"].value_counts().to_dict()
