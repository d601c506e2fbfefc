"""A saved model holds what is read, all of it, and no more."""

import json
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.model.fitting import fit_model
from scsiameseclu.model.preparation import prepare
from scsiameseclu.model.storage import seal
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings

SHORT = {"networks": 2, "pretrain_steps": 12, "hidden_size": 32, "max_clusters": 6}
PAPER = {**SHORT, "cluster_steps": 8, "refresh_every": 4, "tolerance": 0.0}


def saved(demo: ad.AnnData, folder: Path, settings: ModelSettings) -> Path:
    graph = GraphSettings()
    prepared = prepare(demo.copy(), ExpressionSettings(n_top_genes=200), graph, seed=0)
    number = ClusterNumber(4, 4)
    fit_model(prepared, number=number, seed=0, device="cpu", settings=settings).model.save(folder)
    return folder


@pytest.fixture(scope="module")
def default(demo: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(demo, tmp_path_factory.mktemp("default"), ModelSettings(**SHORT))


@pytest.fixture(scope="module")
def paper(demo: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(demo, tmp_path_factory.mktemp("paper"), ModelSettings.paper(**PAPER))


def outputs(folder: Path, demo: ad.AnnData) -> np.ndarray:
    """Probabilities of new cells, some of whose genes are missing."""
    model = FittedModel.load(folder)
    columns = demo.var_names.get_indexer(model.scaling.genes)
    columns[::20] = -1
    new = demo[:30].copy()
    new.X = new.X * 2.0
    return model.probability(model.embed(new, columns))


@pytest.mark.parametrize("kind", ["default", "paper"])
def test_every_saved_tensor_is_read(
    kind: str, demo: ad.AnnData, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(kind)
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = outputs(tmp_path, demo)
    generator = torch.Generator().manual_seed(0)
    for part in ("networks", "consensus"):
        path = tmp_path / f"{part}.safetensors"
        whole = load_file(path)
        for name in whole:
            noise = torch.rand(whole[name].shape, generator=generator)
            save_file({**whole, name: whole[name] * 1.5 + noise}, path)
            seal(tmp_path)
            assert (outputs(tmp_path, demo) != before).any(), name
        save_file(whole, path)
        seal(tmp_path)


@pytest.mark.parametrize("name", ["median_total", "max_value", "component_deviation"])
def test_every_number_is_read(name: str, default: Path, demo: ad.AnnData, tmp_path: Path) -> None:
    for file in default.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = outputs(tmp_path, demo)
    values = json.loads((tmp_path / "networks.json").read_text())
    values[name] /= 5
    (tmp_path / "networks.json").write_text(json.dumps(values))
    seal(tmp_path)
    assert (outputs(tmp_path, demo) != before).any()


def test_the_default_saves_encoders_alone(default: Path, paper: Path) -> None:
    def parts(folder: Path) -> set[str]:
        names = load_file(folder / "networks.safetensors")
        return {".".join(name.split(".")[1:3]) for name in names if name.startswith("network")}

    encoders = {"expression_encoder.layers", "graph_encoder.layers", "latent_centre"}
    assert parts(default) == encoders
    assert parts(paper) == encoders | {"fusion.gate", "fusion.attention"}
    for name in ("landmarks.latents", "landmarks.diffused"):
        assert name not in load_file(default / "networks.safetensors")
        assert name in load_file(paper / "networks.safetensors")


def test_a_model_with_diffusion_needs_its_diffused_landmarks(paper: Path, tmp_path: Path) -> None:
    for file in paper.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "networks.safetensors")
    del tensors["landmarks.diffused"]
    save_file(tensors, tmp_path / "networks.safetensors")
    seal(tmp_path)
    with pytest.raises(UserError, match=r"damaged .landmarks.diffused is missing"):
        FittedModel.load(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("genes.txt", None, "holds no genes.txt"),
        ("networks.json", None, "holds no networks.json"),
        ("consensus.safetensors", None, "holds no consensus.safetensors"),
        ("networks.json", b"{", "is damaged"),
        ("networks.safetensors", b"half", "is damaged"),
        ("consensus.json", b'{"format": 1}', "is damaged"),
    ],
)
def test_what_cannot_be_read_is_named(
    file: str, content: bytes | None, sentence: str, default: Path, tmp_path: Path
) -> None:
    for source in default.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        FittedModel.load(tmp_path)
