"""Training on MMEngine's Runner, evaluation, and studies of many trainings."""
