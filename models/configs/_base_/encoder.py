"""The encoder of the recipes of this project, as pre-training and fine-tuning both need it."""

encoder = dict(width=64, depth=2, identity=True, face=False)

pretrain = dict(model=dict(**encoder))
finetune = dict(model=dict(**encoder))
