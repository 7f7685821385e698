"""How fast the pipeline is: its stages, the whole, latency, memory, and a peer."""
