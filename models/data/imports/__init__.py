"""Read skeletons that other programs have written, one file a format.

Each reader checks what it reads, runs nothing in it, and gives a `Recording` in COCO-17.
"""
