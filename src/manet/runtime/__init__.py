"""Who computes a network: PyTorch, or OpenVINO and ONNX Runtime from exported graphs, behind one small protocol."""
