"""The bundled classifier: live windows, and one vocabulary for three data sets."""

_base_ = ["_base_/action.py"]

pretrain = dict(
    augmentation=dict(turn=0.9, roll=0.25, stretch=0.25, proportions=0.2, head=0.1),
    schedule=dict(epochs=12),
)

_one = ["wave", "clap", "play golf", "play tennis", "jump", "bend or pick up", "pour", "pull up"]
_one += ["push", "run", "walk", "sit down", "stand up", "throw", "punch"]
_one += ["draw in the air", "kick"]
_two = ["approach", "walk away", "kick someone", "push someone", "shake hands", "hug"]
_two += ["hand something over", "punch someone"]

finetune = dict(
    labels=[dict(name=name, people=1) for name in _one]
    + [dict(name=name, people=2, held=name == "hug") for name in _two],
    cyclic=["wave", "clap", "run", "walk", "punch", "draw in the air", "pour", "push"],
    solo=["shake hands", "hug", "hand something over"],
    acting={
        "kick someone": ("kick", 1),
        "push someone": ("push", 1),
        "punch someone": ("punch", 1),
        "approach": ("walk", 1),
        "walk away": ("walk", -1),
    },
    mode="window",
    shares=dict(nothing=0.25, whole=0.25, puppets=0.4),
    length=3200,
    puppets=100,
    puppet_pairs=False,
    model=dict(stem_stride=2, by_people=True, dropout=0.2),
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
        clash=0.5,
        bodies=0.3,
        pan=0.4,
    ),
    smoothing=0.05,
    schedule=dict(epochs=45, lr=2e-3, momentum=1e-3),
)
