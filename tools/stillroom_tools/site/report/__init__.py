"""A room's day as a picture, and the burden of alerts over days: from what the gateway has kept."""
