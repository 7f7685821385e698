"""Third stage of the bundled classifier, after live_past.py: half of the cameras are ahead.

The first stages film people in space from all around alike. Before a camera, and in the data sets
of one Kinect, most people face it.
"""

_base_ = ["live_past.py"]

finetune = dict(cameras=dict(ahead=0.5), schedule=dict(epochs=20, lr=6e-4))
