"""The paper: SkeletonMAE and STRL, and what they are stored and labelled with."""
