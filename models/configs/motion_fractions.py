"""Label-efficiency study of both kinds of pre-training: from 5 clips a class to all of the labels.

As in fractions.py, every training takes the same number of steps, and each arm chooses its
learning rate on validation clips by equal trials. Both are pre-trained on the training clips of all
data sets in `unlabelled`, without labels, and never on a clip that is evaluated on.
"""

_base_ = ["fractions.py"]

motion = dict(schedule=dict(epochs=20))

pretrain = dict(schedule=dict(epochs=20))

finetune = dict(schedule=dict(epochs=20))

study = dict(
    arms={
        "SkeletonMAE": dict(stage="pretrain"),
        "motion": dict(stage="motion"),
        "SkeletonMAE, frozen": dict(stage="pretrain", linear=True),
        "motion, frozen": dict(stage="motion", linear=True),
    },
    protocols=["Penn Action", "UTD-MHAD", "NW-UCLA"],
    fractions=[5, 0.01, 0.05, 0.1, 0.25, 1.0],
    tuning=dict(fraction=0.1),
    unlabelled={
        "penn_action_2d.pkl": ["train"],
        "utd_mhad_3d.pkl": ["xsub_train"],
        "nw_ucla_3d.pkl": ["xview_train"],
        "kard_3d.pkl": ["train"],
        "kinder_gator_3d.pkl": ["train"],
        "bandai_namco_3d.pkl": ["train"],
        "precog_3d.pkl": ["train"],
        "gtu_3d.pkl": ["train"],
        "msr_action3d_3d.pkl": ["xsub_train"],
        "msr_daily_3d.pkl": ["train"],
        "handover_3d.pkl": ["train"],
    },
)
