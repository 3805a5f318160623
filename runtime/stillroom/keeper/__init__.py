"""keeper: the process with the keys. No camera, no network."""
