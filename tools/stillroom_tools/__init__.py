"""What is used beside the unit: the lab, a site and its making."""
