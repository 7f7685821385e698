"""Data sets: read, moved about, disturbed, acted out, and cut into training windows."""
