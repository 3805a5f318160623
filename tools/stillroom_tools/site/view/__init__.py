"""A look into a room, from the viewer's side: asked for with his own key, opened with a key made for it alone."""
