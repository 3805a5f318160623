"""What a facility runs: making a site, gateway, watch."""
