"""A puppet that acts out the vocabulary: its body, its actions by kind, and the clips of them."""
