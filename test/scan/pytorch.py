"""What torch.nn.LSTM and torch.nn.GRU give, forward and backward, for test/scan/pytorch.test.ts to follow.

python3 test/scan/pytorch.py > test/scan/pytorch.json   (PyTorch 1.13)
"""

import json
import math

import torch

torch.set_default_dtype(torch.float64)
TIME, BATCH, INPUT, HIDDEN = 6, 3, 4, 5


def fill(shape, k):
    """Exact in float32."""
    n = math.prod(shape)
    return torch.tensor([math.sin(3 * i + 7 * k) / 2 for i in range(n)], dtype=torch.float32).double().reshape(shape)


def run(kind):
    cell = getattr(torch.nn, kind)(INPUT, HIDDEN)
    x = fill([TIME, BATCH, INPUT], 0).requires_grad_()
    first = [fill([1, BATCH, HIDDEN], 1 + i).requires_grad_() for i in range(2 if kind == "LSTM" else 1)]
    weights = [cell.weight_ih_l0, cell.weight_hh_l0, cell.bias_ih_l0, cell.bias_hh_l0]
    with torch.no_grad():
        for i, weight in enumerate(weights):
            weight.copy_(fill(list(weight.shape), 3 + i))
    outputs, last = cell(x, tuple(first) if kind == "LSTM" else first[0])
    last = list(last) if kind == "LSTM" else [last]
    loss = (outputs**2).sum() + sum((t.sin()).sum() for t in last)
    grads = torch.autograd.grad(loss, [x, *first, *weights])
    flat = lambda t: t.detach().reshape(-1).tolist()
    return {"outputs": flat(outputs), "last": [flat(t) for t in last], "gradients": [flat(g) for g in grads]}


print(json.dumps({"LSTM": run("LSTM"), "GRU": run("GRU")}))
