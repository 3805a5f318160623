"""courier: the process with the network. No camera, no key; sealed bytes only."""
