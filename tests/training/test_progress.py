"""A log gets a line a minute, a terminal a bar."""

import logging

import pytest

from scsiameseclu.training import progress as module
from scsiameseclu.training.progress import Progress


def test_one_line_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    caplog.set_level(logging.INFO)
    with Progress(100, batch_size=50, done=20, bar=False) as progress:
        for second in range(1, 151):
            now[0] = float(second)
            if second % 5 == 0:
                progress.advance(1, 2.5, "network 1 of 3 (pretrain)")
    assert [record.getMessage() for record in caplog.records] == [
        "network 1 of 3 (pretrain): step 32 of at most 100, loss 2.5000, 10 cells/s, 340 s left"
        " at most",
        "network 1 of 3 (pretrain): step 44 of at most 100, loss 2.5000, 10 cells/s, 280 s left"
        " at most",
    ]


def test_a_bar_with_loss_and_cells(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(10, batch_size=50, bar=True) as progress:
        progress.advance(10, 2.5, "network 1")
        shown = str(progress._bar)
    assert "training: 100%" in shown
    assert "500/500" in shown
    assert "network 1, loss 2.5000" in shown
    assert "training" in capsys.readouterr().err
