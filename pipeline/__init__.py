"""The live path, one file a stage: frames in, people and what they do out."""
