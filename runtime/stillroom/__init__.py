"""Stillroom: distils what a room's camera sees into numbers, seals them, and lets the picture go."""

__version__ = "0.1.0"
