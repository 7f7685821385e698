"""NTU RGB+D 120 (ntu120_hrnet.pkl): splits xsub_train and xsub_val, xset_train and xset_val.

The file stores class numbers; `--labels models/configs/ntu_labels.json` gives them names.
"""

_base_ = ["ntu60.py"]
