"""What is learnt, and how."""
