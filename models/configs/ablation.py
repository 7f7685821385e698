"""Ablation study: 300 steps of the recipe of clip.py, with one thing changed at a time."""

_base_ = ["clip.py", "_base_/small.py"]

finetune = dict(schedule=dict(epochs=3, momentum=2e-2))

_together = {
    f"encoder depth {depth}": {"pretrain.model.depth": depth, "finetune.model.depth": depth}
    for depth in (1, 2, 3)
}
_together["normalised adjacency"] = {
    "pretrain.model.normalised": True,
    "finetune.model.normalised": True,
}
_together["no joint identity"] = {
    "pretrain.model.identity": False,
    "finetune.model.identity": False,
}

_pretraining = {
    "1 masked part": {"masked_parts": (1, 1)},
    "1 to 3 masked parts": {"masked_parts": (1, 3)},
    "3 masked parts": {"masked_parts": (3, 3)},
    "random joints masked": {"part_masking": False},
    "beta 1": {"beta": 1.0},
    "beta 2": {"beta": 2.0},
    "mean inside the power": {"mean_loss": False},
    "mean outside the power": {"mean_loss": True},
}

_network = {
    "no temporal modules": {"temporal": False, "strides": (1, 1, 1)},
    "2 layers": {"strides": (1, 2)},
    "4 layers": {"strides": (1, 2, 1, 1)},
    "⊕ is a sum": {"concatenate": False},
}

_literal = {
    "pretrain.model": {"identity": False, "face": True, "depth": 3, "mean_loss": False},
    "finetune.model": {
        **{"identity": False, "face": True, "depth": 3, "stem_stride": 1, "strides": (1, 1, 1)},
        **dict.fromkeys(("exchange", "temporal", "geometry", "bones", "distances"), False),
        **dict.fromkeys(("contact", "by_parts"), False),
    },
}

_pairs = {
    "two people: the recipe": dict(),
    "two people: no exchange": dict(overrides={"finetune.model.exchange": False}),
    "two people: the first alone": dict(people=1),
}

study = dict(
    kind="ablation",
    protocol="JHMDB split 1",
    validate=True,
    seeds=[0],
    variants={
        "the recipe": dict(),
        "from scratch": dict(pretrained=False),
        "linear probe": dict(linear=True),
        **{name: dict(overrides=values) for name, values in _together.items()},
        **{
            name: dict(overrides={f"pretrain.model.{key}": values[key] for key in values})
            for name, values in _pretraining.items()
        },
        **{
            name: dict(overrides={f"finetune.model.{key}": values[key] for key in values})
            for name, values in _network.items()
        },
        "the paper's text alone": dict(
            overrides={
                f"{stage}.{key}": value
                for stage, values in _literal.items()
                for key, value in values.items()
            }
        ),
        **{name: dict(protocol="SBU fold5", **variant) for name, variant in _pairs.items()},
    },
)
