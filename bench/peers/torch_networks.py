"""Networks of attention, convolution and recurrence in PyTorch, with its fused functions where version 1.13 has some."""

import torch
import torch.nn.functional as F

from torch_training import Training, optimizer


def gpt(config, t):
    """Pre-norm, causal, learned positions; weights lie [in, out], queries, keys and values side by side."""
    batch, context, dim, heads = (config[name] for name in ("batch", "context", "dim", "heads"))
    x, y = t.pop("x"), t.pop("y").view(-1)
    width = dim // heads
    # Added to the scores by the product that makes them.
    mask = torch.full((context, context), float("-inf")).triu(1).expand(batch * heads, context, context)

    def norm(h, name):
        return F.layer_norm(h, (dim,), t[f"{name}.g"], t[f"{name}.b"])

    def linear(h, name):
        return torch.addmm(t[f"{name}.b"], h, t[f"{name}.w"])

    def attention(h):
        parts = h.view(batch, context, 3, heads, width).permute(2, 0, 3, 1, 4)
        q, k, v = parts.reshape(3, batch * heads, context, width).unbind(0)
        scores = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=width**-0.5)
        seen = torch.bmm(F.softmax(scores, -1), v).view(batch, heads, context, width)
        return seen.transpose(1, 2).reshape(batch * context, dim)

    def loss():
        h = (F.embedding(x, t["wte"]) + t["wpe"]).view(batch * context, dim)
        for layer in range(config["layers"]):
            at = f"l{layer}"
            h = h + linear(attention(linear(norm(h, f"{at}.ln1"), f"{at}.qkv")), f"{at}.proj")
            h = h + linear(F.gelu(linear(norm(h, f"{at}.ln2"), f"{at}.fc")), f"{at}.out")
        return F.cross_entropy(torch.mm(norm(h, "lnf"), t["head.w"]), y)

    parameters = list(t.values())
    return Training(parameters, loss, optimizer(config, parameters))


def cnn(config, t):
    """Convolutions with a bias, relu, max pools and linear layers on images [batch, channels, height, width]."""
    x, y = t.pop("x"), t.pop("y")
    for name, value in t.items():
        if value.dim() == 4:  # [height, width, in, out]
            t[name] = value.permute(3, 2, 0, 1).contiguous()
    steps, parts = [], 0
    for layer in config["layers"]:
        steps.append(part_of(layer, parts, t))
        parts += "conv" in layer or "linear" in layer

    def loss():
        h = x
        for step in steps:
            h = step(h)
        return F.cross_entropy(h, y)

    parameters = list(t.values())
    return Training(parameters, loss, optimizer(config, parameters))


def part_of(layer, number, t):
    w, b = f"{number}.w", f"{number}.b"
    if "conv" in layer and layer.get("groups", 1) == 1 and layer.get("bias", True):
        stride, padding = layer.get("stride", 1), layer.get("padding", 0)
        return lambda h: F.conv2d(h, t[w], t[b], stride, padding)
    if layer.get("act") == "relu":
        return lambda h: F.relu(h, inplace=True)
    if layer.get("pool") == "max":
        return lambda h: F.max_pool2d(h, layer["size"], layer.get("stride"))
    if "flatten" in layer:
        return lambda h: h.flatten(1)
    if "linear" in layer:
        return lambda h: torch.addmm(t[b], h, t[w])
    raise ValueError(f"this peer has no layer {layer}")


GRU, LSTM, RNN = torch._VF.gru, torch._VF.lstm, torch._VF.rnn_tanh


def rnn(config, t):
    """The functions behind torch.nn.GRU, LSTM and RNN, on weights that lie as theirs do: [gates * hidden, in]."""
    layers, batch, hidden = config["layers"], config["batch"], config["hidden"]
    x, y = t.pop("x"), t.pop("y").view(-1)
    for name in t:
        if name.endswith("h.w"):
            t[name] = t[name].t().contiguous()
    weights = [f"l{layer}.{part}" for layer in range(layers) for part in ("ih.w", "hh.w", "ih.b", "hh.b")]
    zeros = torch.zeros(layers, batch, hidden)
    cell, state = {
        "gru": (GRU, zeros),
        "lstm": (LSTM, (zeros, zeros)),
        "rnn": (RNN, zeros),
    }[config["cell"]]

    def loss():
        h = F.embedding(x, t["C"])
        # Biases, layers, dropout, training, both directions, batch first.
        out = cell(h, state, [t[name] for name in weights], True, layers, 0.0, True, False, True)
        seen = out[0].reshape(-1, hidden) if config["loss"] == "all" else out[1][-1]
        return F.cross_entropy(torch.addmm(t["head.b"], seen, t["head.w"]), y)

    parameters = list(t.values())
    return Training(parameters, loss, optimizer(config, parameters))
