"""A made capture that the tests share."""

import pytest
from made_capture import Capture, make_capture


@pytest.fixture(scope="session")
def capture() -> Capture:
    return make_capture()
