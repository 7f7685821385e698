"""Evaluation protocols of the literature for six small data sets.

Clips of 3D files are evaluated in 2D, as the camera that recorded them saw them.

`validation` names the splits of the training part on which choices are made: the next fold for SBU.
The other data sets have none; see `models.data.pyskl.hold_out`. `mean` names the average that a
protocol is part of.
"""

_folds = [f"fold{i}" for i in range(1, 6)]

protocols = dict(
    **{
        f"JHMDB split {i}": dict(
            data="jhmdb_2d.pkl",
            train=[f"train{i}"],
            test=[f"test{i}"],
            mean="JHMDB, mean of 3 splits",
        )
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
            validation=[following],
            mean="SBU, mean of 5 folds",
        )
        for fold, following in zip(_folds, _folds[1:] + _folds[:1])  # noqa: B905
    },
    **{
        "Penn Action": dict(data="penn_action_2d.pkl", train=["train"], test=["test"]),
        "UTD-MHAD": dict(data="utd_mhad_3d.pkl", train=["xsub_train"], test=["xsub_val"]),
        "NW-UCLA": dict(data="nw_ucla_3d.pkl", train=["xview_train"], test=["xview_val"]),
    },
)
