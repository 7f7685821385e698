"""The paper: SkeletonMAE and STRL (Yan et al., ICCV 2023), their checkpoints and their labels."""
