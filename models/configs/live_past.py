"""Second stage of the bundled classifier, after live.py: most actions follow another one.

An action in a window is then not always preceded by standing, as little of it is before a camera.
What the first stage confused most on validation clips is shown more often.
"""

_base_ = ["live.py"]

finetune = dict(
    past=0.6,
    shares=dict(labels={"hug": 2.0, "point": 2.0, "fall down": 1.5}),
    schedule=dict(epochs=24, lr=6e-4),
)
