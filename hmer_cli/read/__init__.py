"""Image to tensor to frames to tokens: model, CTC, weights, Recogniser."""
