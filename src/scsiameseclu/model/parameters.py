"""From the parameters of an estimator to the settings of a fit, and back."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from scsiameseclu._inputs import check_seed
from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings, Settings

MODEL_KEYWORDS = (
    "networks",
    "latent_size",
    "hidden_size",
    "pretrain_steps",
    "batch_size",
    "learning_rate",
    "temperature",
    "max_clusters",
)
"""Fields of ModelSettings that are parameters of the estimator too."""

SOURCE = ("device", "layer", "batch_key", "use_rep", "logged")
"""Parameters that say what is read and where it is computed."""


def settings_of(
    params: Mapping[str, Any],
) -> tuple[ModelSettings, ExpressionSettings, GraphSettings]:
    """The settings that the parameters describe.

    Raises
    ------
    UserError
        A value is out of range, or a count likelihood is asked for without counts.
    """
    base = ModelSettings() if params["settings"] is None else params["settings"]
    if not isinstance(base, ModelSettings):
        raise UserError(f"settings must be a ModelSettings, not {type(base).__name__}")
    changes = {name: params[name] for name in MODEL_KEYWORDS if params[name] is not None}
    if params["logged"]:
        if base.likelihood in ("nb", "zinb"):
            raise UserError(
                f"likelihood={base.likelihood!r} needs raw counts; remove it or set logged=False"
            )
        changes["likelihood"] = "none"
    expression = ExpressionSettings(**{f.name: params[f.name] for f in fields(ExpressionSettings)})
    graph = GraphSettings(**{f.name: params[f.name] for f in fields(GraphSettings)})
    return replace(base, **changes), expression, graph


def seed_of(params: Mapping[str, Any]) -> int:
    """The seed.

    Raises
    ------
    UserError
        It is not a whole number from 0 to 2**32 - 1.
    """
    return check_seed(params["random_state"])


def warn_of_ignored(settings: tuple[Settings, ...], reused: Mapping[str, tuple[str, ...]]) -> None:
    """Warn of settings that the user has changed and that have no effect.

    Parameters
    ----------
    settings
        Settings of the fit.
    reused
        The slots that are taken as they are, with the settings that they replace.
    """
    for part in settings:
        defaults = type(part)().to_dict()
        changed = {name for name, value in part.to_dict().items() if value != defaults[name]}
        for slot, names in reused.items():
            if ignored := [name for name in names if name in changed]:
                warnings.warn(
                    f"{' and '.join(ignored)} not used, since adata.{slot} exists; delete it to "
                    "compute it again",
                    stacklevel=3,
                )


def warn_of_fewer(number: ClusterNumber, n_clusters: int) -> None:
    """Warn if there are fewer clusters than were asked for."""
    if sentence := number.shortfall(n_clusters):
        warnings.warn(sentence, stacklevel=3)


def record_of(
    params: Mapping[str, Any],
    number: ClusterNumber,
    settings: tuple[Settings, ...],
    reused: Iterable[str],
) -> dict[str, Any]:
    """All parameters of a fit as plain values, for ``uns``.

    ``reused`` names the slots that were taken as they are, whatever the settings are.
    """
    record = {name: params[name] for name in SOURCE}
    record |= {"n_clusters": str(number), "random_state": seed_of(params)}
    record["reused"] = ", ".join(reused)
    for part in settings:
        record |= part.to_dict()
    return record


def params_of(model: FittedModel) -> dict[str, Any]:
    """Parameters of an estimator for a model that the pipeline fitted."""
    trained, asked = model.trained, model.summary["n_clusters_asked"]
    return {
        "n_clusters": None if asked == "estimated" else asked,
        "random_state": model.summary["seed"],
        "device": trained.device,
        "logged": trained.scaling.logged,
        "settings": trained.settings,
        **trained.expression_settings.to_dict(),
        **trained.graph_settings.to_dict(),
    }
