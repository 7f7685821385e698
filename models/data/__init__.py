"""Data sets: reading, augmentation, acted clips, and windows for training and evaluation."""
