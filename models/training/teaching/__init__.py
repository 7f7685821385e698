"""Teaching the shipped classifier other actions from few clips, and measuring what it learnt."""
