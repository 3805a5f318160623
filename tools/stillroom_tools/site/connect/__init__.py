"""`stillroom site connect`: what a broker gives, by trying; and the lines that it needs."""
