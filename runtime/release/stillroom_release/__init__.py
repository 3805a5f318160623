"""Recordings under a signed release: what a unit needs for them beside the runtime. Without this it makes none."""
