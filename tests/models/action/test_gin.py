import numpy as np
import torch

from models.action.gin import GINEncoder, GINLayer, adjacency
from models.skeleton import BONES


def numpy_gin(layer, x):
    """MLP((1 + ε) h_i + Σ_j A_ij h_j), with sums written out."""
    weights = {name: value.detach().numpy() for name, value in layer.state_dict().items()}
    mixed = (1 + weights["epsilon"]) * x
    for a, b in BONES:
        mixed[a] += x[b]
        mixed[b] += x[a]
    hidden = mixed @ weights["mlp.0.weight"].T + weights["mlp.0.bias"]
    centred = hidden - hidden.mean(-1, keepdims=True)
    hidden = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    hidden = np.maximum(hidden * weights["mlp.1.weight"] + weights["mlp.1.bias"], 0)
    return hidden @ weights["mlp.3.weight"].T + weights["mlp.3.bias"]


def test_a_layer_follows_its_equation():
    torch.manual_seed(0)
    layer = GINLayer(5, 7)
    torch.nn.init.constant_(layer.epsilon, 0.3)
    x = torch.randn(17, 5)
    assert np.allclose(layer(x).detach().numpy(), numpy_gin(layer, x.numpy()), atol=1e-5)


def test_an_encoder_has_relu_between_its_layers():
    torch.manual_seed(0)
    encoder = GINEncoder(4, 6, 3)
    x = torch.randn(17, 4)
    y = numpy_gin(encoder.layers[0], x.numpy())
    for layer in encoder.layers[1:]:
        y = numpy_gin(layer, np.maximum(y, 0))
    assert y.shape == (17, 6)
    assert np.allclose(encoder(x).detach().numpy(), y, atol=1e-5)


def test_adjacency_and_its_normalisation():
    plain, normalised = adjacency().numpy(), adjacency(normalised=True).numpy()
    assert plain.sum() == 2 * len(BONES)
    assert (plain == plain.T).all()
    degree = plain.sum(1)
    assert np.allclose(normalised, plain / np.sqrt(np.outer(degree, degree)))


def test_training_and_evaluation_mode_agree():
    torch.manual_seed(0)
    layer, x = GINLayer(8, 8), torch.randn(3, 5, 17, 8)
    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-5)
