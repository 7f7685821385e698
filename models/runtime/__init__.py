"""Networks as ONNX graphs: exported from PyTorch, cached, and run by ONNX Runtime."""
