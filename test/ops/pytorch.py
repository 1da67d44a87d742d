"""Values and gradients of PyTorch's functions at their edges, for test/ops/pytorch.test.ts to follow.

python3 test/ops/pytorch.py > test/ops/pytorch.json   (PyTorch 1.13)
"""

import json

import torch
import torch.nn.functional as F

inf, nan = float("inf"), float("nan")


def text(values):
    """JSON has neither NaN nor -0."""
    return [repr(v) for v in values]


def record(f, *operands):
    tensors = [torch.tensor(list(column), requires_grad=True) for column in operands]
    out = f(*tensors)
    out.sum().backward()
    gradients = [torch.zeros_like(t) if t.grad is None else t.grad for t in tensors]
    return {
        "inputs": [text(t.tolist()) for t in tensors],
        "value": text(out.tolist()),
        "gradients": [text(g.tolist()) for g in gradients],
    }


# Without denormals and results that are: PyTorch's vector code takes some of them for 0.
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -1.5, 1000.0, -1000.0, 1e30, -1e30, inf, -inf, nan]
BASES = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, inf, -inf, nan, 1e30]
EXPONENTS = [0.0, -0.0, 1.0, 2.0, 3.0, -1.0, -2.0, -3.0, 0.5, -0.5, 2.5, inf, -inf, nan]
pairs = [(x, y) for x in BASES for y in EXPONENTS]
BOUNDS = [(-1.0, 1.0), (0.0, 2.5), (2.0, 1.0), (None, 1.0), (-0.5, None)]

unary = {
    "floor": torch.floor,
    "ceil": torch.ceil,
    "round": torch.round,
    "sign": torch.sign,
    "expm1": torch.expm1,
    "log1p": torch.log1p,
    "softplus": F.softplus,
    "silu": F.silu,
}
recorded = {
    "torch": torch.__version__,
    "unary": {name: record(f, NUMBERS) for name, f in unary.items()},
    "pow": record(torch.pow, *zip(*pairs)),
    "powers": [
        {"exponent": repr(y), **record(lambda x: x.pow(y), NUMBERS)}
        for y in [0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -0.5, 4.0, -3.0]
    ],
    "clamp": [
        {"low": low, "high": high, **record(lambda x: x.clamp(low, high), NUMBERS)} for low, high in BOUNDS
    ],
    "clampTensors": record(
        torch.clamp, [1.0, 1.0, 0.5, 3.0, 2.0, 0.0], [1.0, 1.5, 1.0, 0.0, nan, 2.0], [2.0, 2.0, 0.0, 2.5, 3.0, 5.0]
    ),
}
print(json.dumps(recorded, indent=1))
