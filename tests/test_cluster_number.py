"""What a user may write for the number of clusters."""

import pytest

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError


@pytest.mark.parametrize(
    ("value", "written", "given"),
    [
        (None, "estimated", False),
        (8, "8", True),
        ("8", "8", True),
        ("8 - 15", "8-15", False),
        ((8, 15), "8-15", False),
        ([2, 2], "2", True),
    ],
)
def test_numbers_are_read(value: object, written: str, given: bool) -> None:
    number = ClusterNumber.parse(value)  # type: ignore[arg-type]
    assert str(number) == written
    assert number.is_given == given
    assert ClusterNumber.parse(number) is number


@pytest.mark.parametrize("value", [1, "15-8", "many", -3, 2.5, "0-4", True, (8, 9, 10)])
def test_other_numbers_are_refused(value: object) -> None:
    with pytest.raises(UserError, match="n_clusters is"):
        ClusterNumber.parse(value)  # type: ignore[arg-type]
