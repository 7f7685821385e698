"""Second stage of the bundled classifier, after live.py: half of the actions follow another one.

An action in a window is then not always preceded by standing. Training like this from the start was
not tried.
"""

_base_ = ["live.py"]

finetune = dict(past=0.5, schedule=dict(epochs=12, lr=1e-3))
