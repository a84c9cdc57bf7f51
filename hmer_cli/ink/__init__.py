"""InkML to and from ink, and ink to image: the one renderer."""
