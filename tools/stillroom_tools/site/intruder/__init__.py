"""What the levels of a view give away, tried: an attacker with the source, the parameters and the known shifts.

He knows whose faces are in question (a gallery), the empty wall behind them, the lens, where a face stands to
a fraction of a
pixel, and how light, scale and turn of a face vary. Frames are made by the simulator's sensor and by the eye's
own code.
"""
