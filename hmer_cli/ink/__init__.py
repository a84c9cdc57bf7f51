"""InkML to and from Ink, Ink to image: the one renderer."""
