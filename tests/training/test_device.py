"""The device is what was asked for, or one sentence."""

import pytest
import torch

from scsiameseclu.errors import UserError
from scsiameseclu.training.device import choose_device, choose_place


@pytest.fixture(params=[False, True])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    return bool(request.param)


def test_the_gpu_is_taken_where_there_is_one(gpu: bool) -> None:
    device, note = choose_device("auto")
    assert device.type == ("cuda" if gpu else "cpu")
    assert ("a card" in note) == gpu
    assert choose_device("cpu")[0].type == "cpu"


def test_a_gpu_that_is_not_there_is_an_error(gpu: bool) -> None:
    if gpu:
        assert choose_device("cuda")[0].type == "cuda"
        return
    with pytest.raises(UserError, match="no CUDA device"):
        choose_device("cuda")


def test_an_unknown_name_is_an_error(gpu: bool) -> None:
    with pytest.raises(UserError, match="'tpu'"):
        choose_device("tpu")


@pytest.mark.parametrize(("threads", "expected"), [(1, 1), (2, 2), (8, 3)])
def test_each_network_has_a_thread_as_far_as_there_are_threads(threads: int, expected: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert choose_place("cpu", 3).n_at_once == expected
    finally:
        torch.set_num_threads(before)
