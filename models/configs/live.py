"""The bundled classifier: live windows, and one vocabulary for all data sets.

`live_labels.json` says which classes of which data set feed which label.
"""

_base_ = ["_base_/action.py"]

pretrain = dict(
    model=dict(width=96, hidden=96),
    augmentation=dict(turn=0.9, roll=0.25, stretch=0.25, proportions=0.2, head=0.1),
    schedule=dict(epochs=6),
)

_one = ["wave", "clap", "raise a hand", "point", "swipe", "cross arms", "draw in the air"]
_one += ["drink", "phone call", "pour", "push", "play guitar"]
_one += ["walk", "run", "jump", "sit down", "stand up", "bend or pick up"]
_one += ["fall down", "lie down"]
_one += ["jumping jack", "jump rope", "squat", "lunge", "push up", "sit up", "pull up"]
_one += ["lift weights", "throw", "punch", "kick", "play golf", "play tennis"]
_one += ["swing a bat", "pitch or bowl", "shoot a basketball"]
_two = ["approach", "walk away", "kick someone", "push someone", "shake hands", "hug"]
_two += ["hand something over", "punch someone"]
_held = {"hug", "raise a hand", "point", "phone call", "cross arms"}
_legs = ["walk", "run", "jump", "kick", "squat", "lunge", "jump rope", "jumping jack"]
_legs += ["push up"]

finetune = dict(
    labels=[dict(name=name, people=1, held=name in _held) for name in _one]
    + [dict(name=name, people=2, held=name in _held) for name in _two],
    cyclic=["wave", "clap", "run", "walk", "punch", "draw in the air", "pour", "push"]
    + ["jumping jack", "jump rope", "squat", "push up", "sit up", "pull up", "lift weights"]
    + ["play guitar"],
    solo=["shake hands", "hug", "hand something over"],
    acting={
        "kick someone": ("kick", 1),
        "push someone": ("push", 1),
        "punch someone": ("punch", 1),
        "approach": ("walk", 1),
        "walk away": ("walk", -1),
    },
    legs=_legs,
    past=0.35,
    mode="window",
    shares=dict(
        nothing=0.3,
        whole=0.15,
        pairs=0.22,
        puppets=0.35,
        strangers=0.3,
        sources=dict(handover=0.04, ut_interaction_1=3, weizmann=3, le2i=2, push_ups=2),
        negatives=dict(recorded=0.35, bystanders=0.25),
    ),
    calibration=dict(nothing=0.6, pairs=0.13),
    calibration_windows=12_000,
    betas={"fall down": 2.0},  # a fall that is missed is worse than one that was none
    length=6400,
    puppets=120,
    puppet_pairs=False,
    model=dict(width=96, stem_stride=2, by_people=True, dropout=0.2),
    augmentation=dict(
        turn=0.6,
        roll=0.25,
        stretch=0.2,
        speed=0.45,
        proportions=0.2,
        head=0.1,
        depth=0.3,
        jitter=0.04,
        sway=0.05,
        swaps=0.15,
        slips=0.2,
        parts=0.15,
        cut=0.15,
        legs=0.1,
        clash=0.5,
        hidden=0.2,
        bodies=0.3,
        pan=0.4,
    ),
    smoothing=0.05,
    schedule=dict(batch_size=32, epochs=50, lr=2e-3, momentum=1e-3),
)
