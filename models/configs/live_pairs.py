"""The live recipe's last part: what two people do is taught by real clips alone.

A network that had half of its pairs from puppets did not know a hug that it saw in a video.
"""

_base_ = ["live.py"]

finetune = dict(puppet_pairs=False, schedule=dict(epochs=12, lr=1e-3, momentum=3e-3))
