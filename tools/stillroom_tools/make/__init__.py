"""What a hardware team runs: making units."""
