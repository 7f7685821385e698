"""NTU RGB+D 120 (ntu120_hrnet.pkl): splits xsub_train and xsub_val, xset_train and xset_val.

The file numbers its classes; `--labels models/configs/ntu_labels.json` names them.
"""

_base_ = ["ntu60.py"]
