"""Who computes a network: PyTorch, OpenVINO or ONNX Runtime."""
