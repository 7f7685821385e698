"""NTU RGB+D 60 (ntu60_hrnet.pkl): splits xsub_train and xsub_val, xview_train and xview_val.

The file numbers its classes; `--labels models/configs/ntu_labels.json` names them.
"""

_base_ = ["_base_/published.py"]

finetune = dict(schedule=dict(epochs=30))
