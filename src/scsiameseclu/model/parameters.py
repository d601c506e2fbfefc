"""From the parameters of an estimator to the settings of a fit, and back."""

from __future__ import annotations

from collections.abc import Mapping
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


def record_of(
    params: Mapping[str, Any], number: ClusterNumber, settings: tuple[Settings, ...]
) -> dict[str, Any]:
    """All parameters of a fit as plain values, for ``uns``."""
    record = {name: params[name] for name in SOURCE}
    record |= {"n_clusters": str(number), "random_state": seed_of(params)}
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
