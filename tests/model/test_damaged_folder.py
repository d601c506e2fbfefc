"""A model whose folder is incomplete or damaged is one sentence, and never a wrong model."""

import json
import shutil
from pathlib import Path

import anndata as ad
import pytest
from safetensors.torch import load_file, save_file

from scsiameseclu import ModelSettings, ScSiameseClu, UserError
from scsiameseclu.model.storage import seal

FILES = (
    *("networks.safetensors", "networks.json", "genes.txt"),
    *("consensus.safetensors", "consensus.json"),
    *("estimator.json", "history.tsv", "labels.npy"),
    "checksums.json",
)


@pytest.fixture(scope="module")
def saved(demo: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = ModelSettings(networks=1, pretrain_steps=20, hidden_size=16, latent_size=8)
    folder = tmp_path_factory.mktemp("model")
    ScSiameseClu(3, settings=settings, device="cpu", n_top_genes=200).fit(demo.copy()).save(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def write(folder: Path, name: str, values: object) -> None:
    """Write a JSON file as a save would, with its checksum."""
    (folder / name).write_text(json.dumps(values))
    seal(folder)


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        ScSiameseClu.load(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_these_are_all_files(saved: Path) -> None:
    assert {file.name for file in saved.iterdir()} == set(FILES)
    assert len(ScSiameseClu.load(saved).history_) > 1


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refused(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_file_that_is_cut_short(folder: Path, name: str, share: float) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: min(int(share * len(content)), len(content) - 1)])
    assert "damaged" in refused(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_something_else(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"[1, 2]\n")
    assert "damaged" in refused(folder)


@pytest.mark.parametrize("name", ["networks.json", "consensus.json"])
def test_a_file_of_another_version(folder: Path, name: str) -> None:
    values = json.loads((folder / name).read_text())
    write(folder, name, values | {"format": 99})
    assert "has format 99, this version reads" in refused(folder)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("networks.json", ("settings", "max_value", "first_search")),
        ("consensus.json", ("members", "clusters")),
        ("estimator.json", ("params", "fitted", "labels")),
    ],
)
def test_a_value_that_is_missing(folder: Path, name: str, keys: tuple[str, ...]) -> None:
    values = json.loads((folder / name).read_text())
    for key in keys:
        write(folder, name, {k: v for k, v in values.items() if k != key})
        assert f"damaged ('{key}' is missing)" in refused(folder)


def test_settings_of_another_version(folder: Path) -> None:
    for name, section in (("estimator.json", "params"), ("networks.json", "settings")):
        values = json.loads((folder / name).read_text())
        values[section]["depth"] = 3
        write(folder, name, values)
        assert "unexpected keyword argument 'depth'" in refused(folder)


def test_networks_of_another_size(folder: Path) -> None:
    values = json.loads((folder / "networks.json").read_text())
    values["settings"]["hidden_size"] = 24
    write(folder, "networks.json", values)
    assert "damaged (Error(s) in loading state_dict" in refused(folder)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nope holds no checksums\.json"):
        ScSiameseClu.load(tmp_path / "nope")


@pytest.mark.parametrize("name", ["networks.safetensors", "labels.npy", "genes.txt"])
def test_one_changed_byte_is_seen(folder: Path, name: str) -> None:
    """Also one that leaves the file readable: another weight, label or gene."""
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    assert f"damaged ({name} was changed after it was saved)" in refused(folder)


def test_numbers_that_are_none(folder: Path) -> None:
    tensors = load_file(folder / "networks.safetensors")
    first = next(name for name in tensors if name.startswith("network0."))
    tensors[first].view(-1)[0] = float("nan")
    save_file(tensors, folder / "networks.safetensors")
    seal(folder)
    assert f"damaged ({first} has NaN)" in refused(folder)


def test_a_checksum_that_is_taken_out_is_missed(folder: Path) -> None:
    sums = json.loads((folder / "checksums.json").read_text())
    del sums["genes.txt"]
    text = json.dumps(sums, indent=2, sort_keys=True) + "\n"
    (folder / "checksums.json").write_text(text)
    assert "damaged (genes.txt was not saved with it)" in refused(folder)
    (folder / "checksums.json").write_text(text.replace("  ", " "))
    assert "damaged (checksums.json was changed after it was saved)" in refused(folder)
