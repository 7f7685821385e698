"""NTU RGB+D 60: splits xsub_train and xsub_val, xview_train and xview_val.

The file is ntu60_hrnet.pkl or, in space, ntu60_3danno.pkl.

The file stores class numbers; `--labels models/configs/ntu_labels.json` gives them names.
"""

_base_ = ["_base_/published.py"]

finetune = dict(schedule=dict(epochs=30))
