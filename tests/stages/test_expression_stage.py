"""The stage expression uses the cells and genes that the stage quality kept, and no others."""

import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ExpressionSettings
from scsiameseclu.stages import expression
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder


@pytest.mark.parametrize("axis", ["obs_names", "var_names"])
def test_the_file_of_another_sample_is_refused(copied: SampleFolder, axis: str) -> None:
    kept = read_h5ad(copied.path("filtered"))
    names = getattr(kept, axis)
    setattr(kept, axis, [*names[:-2], "other-1", "other-2"])
    write_h5ad(kept, copied.path("filtered"))
    sentence = rf"counts.h5ad lacks 2 of the {len(names)} names in filtered.h5ad \(first: other-1\)"
    with pytest.raises(UserError, match=sentence):
        expression.run(copied, settings=ExpressionSettings())
