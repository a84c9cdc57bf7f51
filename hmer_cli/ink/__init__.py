"""Files of ink to and from `Ink`, and ink to image: the one renderer.

`notes` opens files of every kind, `inkml` InkML, `render` rasterises.
"""
