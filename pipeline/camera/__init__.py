"""What is watched as it happens: live sources, the window on the screen, recording."""
