"""Convolutions, transposed ones and pools of PyTorch, with their gradients, for test/ops/images.test.ts to follow.

python3 test/ops/images.py > test/ops/images.json   (PyTorch 1.13)
python3 test/ops/images.py 40                       (so many random ones, to look at more)
"""

import json
import random
import sys

import numpy as np
import torch
import torch.nn.functional as F


def uniform(shape, salt):
    """In [-1, 1), by the hash of test/golden/README.md."""
    x = (np.arange(int(np.prod(shape)), dtype=np.uint64) + 1 + salt * 0x9E3779B1) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> np.uint64(13)
    x = (x * 0xC2B2AE35) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    return torch.tensor((2 * (x.astype(np.float64) / 2**32) - 1).astype(np.float32).astype(np.float64)).reshape(shape)


def print_of(values):
    """What tells a tensor from others: each element times a number of its own, and the sum of squares."""
    return [float((values * uniform(values.shape, 99)).sum()), float((values**2).sum())]


def padded(x, pairs, value=0.0):
    return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=value)


def outcome(case):
    kind, n = case["kind"], len(case["image"]) - 2
    o = case["options"]
    x = uniform(case["image"], 1).requires_grad_()
    leaves = [x]
    pairs = [p if isinstance(p, list) else [p, p] for p in o.get("padding", [0] * n)]
    if "conv" in kind:
        w, b = uniform(case["filters"], 2).requires_grad_(), uniform([case["out"]], 3).requires_grad_()
        leaves += [w, b]
        given = dict(stride=o.get("stride", 1), dilation=o.get("dilation", 1), groups=o.get("groups", 1))
    if kind == "conv":
        y = [F.conv1d, F.conv2d][n - 1](padded(x, pairs), w, b, **given)
    elif kind == "convTranspose":
        y = [F.conv_transpose1d, F.conv_transpose2d][n - 1](
            x, w, b, padding=[p for p, _ in pairs], output_padding=o.get("outputPadding", 0), **given
        )
    elif kind == "maxPool":
        y = [F.max_pool1d, F.max_pool2d][n - 1](
            x, case["size"], o.get("stride", case["size"]), [p for p, _ in pairs], o.get("dilation", 1)
        )
    else:
        y = [F.avg_pool1d, F.avg_pool2d][n - 1](
            x, case["size"], o.get("stride", case["size"]), [p for p, _ in pairs], False, o.get("includePadding", True)
        )
    (y * uniform(y.shape, 4)).sum().backward()
    return {**case, "shape": list(y.shape), "results": [print_of(y.detach()), *[print_of(t.grad) for t in leaves]]}


def conv(image, filters, **options):
    return {"kind": "conv", "image": image, "filters": filters, "out": filters[0], "options": options}


def transposed(image, filters, **options):
    out = filters[1] * options.get("groups", 1)
    return {"kind": "convTranspose", "image": image, "filters": filters, "out": out, "options": options}


def pool(kind, image, size, **options):
    return {"kind": kind, "image": image, "size": size, "options": options}


CASES = [
    conv([2, 3, 7, 6], [4, 3, 3, 3], padding=[1, 1]),
    conv([1, 4, 9, 8], [6, 2, 4, 2], stride=[2, 3], padding=[[2, 1], [0, 1]], groups=2),
    conv([2, 6, 8, 8], [6, 1, 3, 3], dilation=[2, 1], padding=[2, 1], groups=6),
    conv([1, 3, 9, 9], [6, 1, 2, 2], stride=[3, 4], groups=3),
    conv([2, 8, 6, 5], [5, 8, 1, 1], stride=[2, 2]),
    conv([2, 3, 14], [4, 3, 5], stride=[2], padding=[[2, 3]], dilation=[2]),
    transposed([2, 4, 5, 4], [4, 3, 3, 3], stride=[2, 2], padding=[1, 1], outputPadding=[1, 0]),
    transposed([1, 6, 4, 5], [6, 2, 2, 4], stride=[3, 1], padding=[0, 2], dilation=[1, 2], groups=3),
    transposed([2, 3, 6], [3, 2, 4], stride=[2], padding=[3], outputPadding=[1]),
    pool("maxPool", [2, 3, 7, 8], [3, 2], stride=[2, 2], padding=[1, 0]),
    pool("maxPool", [1, 2, 9, 9], [2, 3], stride=[1, 4], dilation=[3, 2]),
    pool("maxPool", [2, 3, 11], [4], padding=[2]),
    pool("avgPool", [2, 3, 7, 8], [3, 3], stride=[2, 1], padding=[1, 1]),
    pool("avgPool", [2, 3, 7, 8], [2, 3], padding=[1, 1], includePadding=False),
    pool("avgPool", [1, 2, 10], [3], stride=[5]),
]


def random_case(r):
    n = r.choice([1, 2, 2])
    each = lambda lo, hi: [r.randint(lo, hi) for _ in range(n)]
    kind = r.choice(["conv", "conv", "convTranspose", "maxPool", "avgPool"])
    size = each(1, 4)
    stride, dilation = each(1, 5 if r.random() < 0.3 else 3), each(1, 3) if r.random() < 0.4 else [1] * n
    if kind == "avgPool":
        dilation = [1] * n
    span = [(k - 1) * d + 1 for k, d in zip(size, dilation)]
    batch, groups = r.randint(1, 3), r.choice([1, 1, 2, 3])
    if kind == "conv":
        pairs = [[r.randint(0, 3), r.randint(0, 3)] for _ in range(n)]
        places = [max(1, s - sum(p)) + r.randint(0, 8) for s, p in zip(span, pairs)]
        c, o = groups * r.choice([1, 1, 2, 5]), groups * r.choice([1, 2, 3])
        return conv([batch, c, *places], [o, c // groups, *size], stride=stride, dilation=dilation, padding=pairs, groups=groups)
    if kind == "convTranspose":
        places = each(1, 6)
        more = [r.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
        whole = [(p - 1) * s + k + m for p, s, k, m in zip(places, stride, span, more)]
        padding = [r.randint(0, max(0, min(3, (w - 1) // 2))) for w in whole]
        c, o = groups * r.choice([1, 2, 5]), r.choice([1, 2, 3])
        return transposed([batch, c, *places], [c, o, *size], stride=stride, dilation=dilation, padding=padding, outputPadding=more, groups=groups)
    padding = [r.randint(0, k // 2) for k in size]
    places = [max(1, s - 2 * p) + r.randint(0, 9) for s, p in zip(span, padding)]
    # A window may not lie in the padding alone.
    places = [max(p, d) for p, d in zip(places, dilation)]
    options = dict(stride=stride, padding=padding)
    options.update(dict(dilation=dilation) if kind == "maxPool" else dict(includePadding=r.random() < 0.5))
    return pool(kind, [batch, r.choice([1, 3, 4]), *places], size, **options)


if __name__ == "__main__" and len(sys.argv) > 1:
    r = random.Random(7)
    CASES = [random_case(r) for _ in range(int(sys.argv[1]))]
if __name__ == "__main__":
    print(json.dumps([outcome(case) for case in CASES], indent=1))
