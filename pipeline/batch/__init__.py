"""Many videos: which there are, what is done, and what became of all of them."""
