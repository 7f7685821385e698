"""Networks as graphs: exported from PyTorch, kept, and run by ONNX Runtime."""
