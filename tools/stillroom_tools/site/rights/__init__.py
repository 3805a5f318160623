"""Rights of the person in the bed: a copy of what is kept of a room, and erasing it, each with a signed receipt."""
