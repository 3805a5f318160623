"""What views are made of, for all who speak of them: one size, one pace, levels, and why a frame shows nothing."""

from typing import Literal, get_args

WIDTH_PX, HEIGHT_PX = 192, 144
"""Of every picture, at every level."""
FRAMES_PER_S = 5
BLOCKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)
"""Sides of the squares that a picture may be averaged over, in its pixels; 1: it is clear."""
GREYS = 8
"""Of a picture's squares; a clear one has all 256."""
DEFAULT_BLOCK = 48
"""A policy's floor unless it says otherwise: the largest squares there are, since by what is known of attacks smaller
ones name somebody 1.7 m away more often than twice by chance (`stillroom site intruder`; nearer, these do too)."""
VIEW_ID_BYTES = 16

ViewLevel = Literal["figure", "picture"]
LEVELS: tuple[ViewLevel, ...] = get_args(ViewLevel)
Blank = Literal["shown", "starting", "no-background", "no-model", "unsure", "dark", "late"]
"""Why a frame shows nothing; `shown`: it does not."""
BLANKS: tuple[Blank, ...] = get_args(Blank)
