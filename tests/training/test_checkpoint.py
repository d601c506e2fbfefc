"""A training that was broken off goes on to the same bytes."""

import logging
import os
import signal
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import torch
from estimators import estimator

from scsiameseclu import ScSiameseClu
from scsiameseclu.training.checkpoint import TERMINATED, Checkpoint, fingerprint
from scsiameseclu.training.session import TURN
from scsiameseclu.training.trainer import Trainer

SHORT = {
    "networks": 2,
    "pretrain_steps": 10,
    "cluster_steps": 9,
    "refresh_every": 4,
    "tolerance": 0.0,
    "n_top_genes": 200,
    "hidden_size": 32,
    "max_clusters": 6,
}
STEPS = 2 * (10 + 9)


def fit(adata: ad.AnnData, checkpoint: Path | None = None, **changed: object) -> ScSiameseClu:
    options = SHORT | changed
    return estimator(4, random_state=3, **options).fit(adata, checkpoint=checkpoint)


@pytest.fixture(scope="module")
def unbroken(demo: ad.AnnData) -> tuple[ScSiameseClu, ad.AnnData]:
    adata = demo.copy()
    return fit(adata), adata


def counted(monkeypatch: pytest.MonkeyPatch, wanted: int | None = None) -> list[str]:
    """Receives the network of every mini-batch; during the wanted one, SIGTERM arrives."""
    done: list[str] = []
    original = Trainer._update

    def update(self: Trainer, losses: dict[str, torch.Tensor]) -> None:
        original(self, losses)
        done.append(self.label)
        if len(done) == wanted:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Trainer, "_update", update)
    return done


# in either phase of either network, at a refresh of the targets, at the very ends
@pytest.mark.parametrize("step", [7, 20, 24, 33, STEPS])
def test_same_bytes_after_sigterm(
    step: int,
    demo: ad.AnnData,
    unbroken: tuple[ScSiameseClu, ad.AnnData],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "training.checkpoint"
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patched:
        before_the_stop = counted(patched, step)
        with pytest.raises(SystemExit) as stopped:
            fit(demo.copy(), path)
    assert stopped.value.code == TERMINATED == 143
    assert signal.getsignal(signal.SIGTERM) is before
    # It stops when the networks that train have had their turns.
    assert step <= len(before_the_stop) < step + 2 * TURN
    after_it = counted(monkeypatch)
    resumed = demo.copy()
    model = fit(resumed, path)
    assert len(before_the_stop) + len(after_it) == STEPS  # nothing is done twice
    whole, adata = unbroken
    for slot in ("X_siamese", "siamese_probability"):
        np.testing.assert_array_equal(resumed.obsm[slot], adata.obsm[slot])
    assert resumed.obs["siamese_fine"].equals(adata.obs["siamese_fine"])
    assert model.history_ is not None
    assert whole.history_ is not None
    assert model.history_.equals(whole.history_)
    assert model.model_.summary == whole.model_.summary
    for ours, theirs in zip(
        model.model_.trained.networks, whole.model_.trained.networks, strict=True
    ):
        for name, value in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[name], value), name


def test_other_settings_start_anew(
    demo: ad.AnnData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "training.checkpoint"
    fit(demo.copy(), path)
    with caplog.at_level(logging.INFO):
        other = fit(demo.copy(), path, learning_rate=0.002)
    assert "belongs to other data or settings" in caplog.text
    assert other.model_.summary["n_steps"] == STEPS


def test_broken_file_starts_anew(
    demo: ad.AnnData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "training.checkpoint"
    path.write_bytes(b"half a file")
    model = fit(demo.copy(), path)
    assert "cannot be read" in caplog.text
    assert model.model_.summary["n_steps"] == STEPS


def test_a_state_is_kept_every_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    kept = Checkpoint(tmp_path / "file", fingerprint("inputs"))
    for _ in range(26):
        now[0] += 7
        kept.offer(lambda: {"at": now[0]})
        written = kept.load()
        if now[0] < 60:
            assert written is None
        else:
            assert written is not None
            assert now[0] - written["at"] < 60
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_fingerprint_sees_every_byte() -> None:
    array = np.arange(6.0)
    changed = array.copy()
    changed[3] += 1e-12
    assert fingerprint(array, 1) == fingerprint(array.copy(), 1)
    assert len({fingerprint(a) for a in (array, changed, array.reshape(2, 3), array[:5])}) == 4
