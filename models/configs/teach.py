"""Own actions from few clips, by `apps/teach.py`: live windows, from the shipped weights on.

Labels are those of the clips, and the network is that of the weights. How many epochs there are is
a matter of the time that is given. Nothing is known of the actions: none is repeated beyond the end
of its clip, and nobody of a pair is taken alone as an example of an action.
"""

_base_ = ["live.py"]

finetune = dict(
    labels=[],
    cyclic=[],
    solo=[],
    acting=dict(_delete_=True),
    legs=[],
    past=0.0,
    calibration=dict(_delete_=True),
    puppets=0,
    length=320,
    shares=dict(_delete_=True, nothing=0.25, whole=0.15, negatives=dict(recorded=0.5, passive=0.1)),
    schedule=dict(batch_size=16, lr=2e-3, momentum=1e-2),
)
