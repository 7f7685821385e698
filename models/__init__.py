"""Networks, the data they learn from, and their training."""
