"""A trained generator for use elsewhere: ONNX, torch.export, a Hugging Face folder, one HTML page."""
