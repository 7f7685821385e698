"""Speed: the stages, the whole pipeline, latency, memory, and a peer to compare with."""
