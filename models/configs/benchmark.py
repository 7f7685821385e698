"""The protocols of the literature on the three small data sets, by the recipe of clip.py."""

_base_ = ["clip.py"]

_folds = [f"fold{i}" for i in range(1, 6)]

protocols = dict(
    **{
        f"JHMDB split {i}": dict(data="jhmdb_2d.pkl", train=[f"train{i}"], test=[f"test{i}"])
        for i in (1, 2, 3)
    },
    **{
        "MSR Action3D": dict(data="msr_action3d_2d.pkl", train=["xsub_train"], test=["xsub_val"]),
    },
    **{
        f"SBU {fold}": dict(
            data="sbu_interaction_2d.pkl",
            train=[other for other in _folds if other != fold],
            test=[fold],
        )
        for fold in _folds
    },
)
