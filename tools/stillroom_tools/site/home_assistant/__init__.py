"""`stillroom site home-assistant`: what Home Assistant is told of a site's rooms, in clear, where the site wants it."""
