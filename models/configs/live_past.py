"""The last steps of the classifier that ships, after live.py: half of the actions follow another.

What a window shows is then not always preceded by standing. From the start it was not tried.
"""

_base_ = ["live.py"]

finetune = dict(past=0.5, schedule=dict(epochs=12, lr=1e-3))
