"""The demo in a browser: rooms, the simulated picture beside the bytes that leave, hands, attacks."""
