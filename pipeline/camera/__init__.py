"""Live video: cameras and other live sources, the window on the screen, and recording."""
