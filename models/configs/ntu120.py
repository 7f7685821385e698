"""NTU RGB+D 120: splits xsub_train and xsub_val, xset_train and xset_val.

The file is ntu120_hrnet.pkl or, in space, ntu120_3danno.pkl.

The file stores class numbers; `--labels models/configs/ntu_labels.json` gives them names.
"""

_base_ = ["ntu60.py"]
