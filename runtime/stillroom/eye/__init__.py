"""eye: the process with the camera. No key, no network."""
