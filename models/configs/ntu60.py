"""NTU RGB+D 60 (ntu60_hrnet.pkl): splits xsub_train and xsub_val, xview_train and xview_val.

The file stores class numbers; `--labels models/configs/ntu_labels.json` gives them names.
"""

_base_ = ["_base_/published.py"]

finetune = dict(schedule=dict(epochs=30))
