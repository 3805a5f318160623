"""For testers: cameras without hardware, scenarios with their truth, evaluation, the demo."""
