"""Losses of PyTorch and their gradients, for test/ops/losses.test.ts to follow.

python3 test/ops/losses.py > test/ops/losses.json   (PyTorch 1.13)
"""

import json

import torch
import torch.nn.functional as F

from images import uniform


def ints(count, high, salt):
    return ((uniform([count], salt) + 1) / 2 * high).floor().long()


def outcome(f, *leaves):
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    loss = f(*leaves)
    loss.sum().backward()
    return {"value": loss.detach().flatten().tolist(), "gradients": [leaf.grad.flatten().tolist() for leaf in leaves]}


logits, targets, weights = 4 * uniform([7, 5], 1), ints(7, 5, 2), uniform([5], 3) + 1.5
ignoring = torch.where(torch.tensor([False, True, False, False, True, False, False]), -100, targets)
x, t = 3 * uniform([4, 3], 4), uniform([4, 3], 5)
extreme = torch.tensor([0.0, 30.0, -30.0, 90.0, -90.0, 1e4, -1e4, 1.0], dtype=torch.float64)
sure = torch.tensor([0.5, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.25], dtype=torch.float64)
crossEntropy = []
for smoothing in [0.0, 0.1]:
    for weighted in [False, True]:
        for ignore in [False, True]:
            for reduction in ["mean", "sum", "none"]:
                loss = lambda l: F.cross_entropy(
                    l,
                    ignoring if ignore else targets,
                    weights if weighted else None,
                    label_smoothing=smoothing,
                    reduction=reduction,
                )
                options = dict(smoothing=smoothing, weighted=weighted, ignore=ignore, reduction=reduction)
                crossEntropy.append({"options": options, **outcome(loss, logits)})
bce = F.binary_cross_entropy_with_logits
print(
    json.dumps(
        {
            "crossEntropy": crossEntropy,
            "binaryCrossEntropy": [
                {"positiveWeight": w, **outcome(lambda a: bce(a, (t + 1) / 2, pos_weight=w and torch.tensor(w)), x)}
                for w in [None, 2.5]
            ],
            "extreme": outcome(lambda a: bce(a, sure, reduction="none"), extreme),
            "huber": [{"delta": d, **outcome(lambda a, b: F.huber_loss(a, b, delta=d), x, t)} for d in [1.0, 0.25]],
            "l1Loss": outcome(F.l1_loss, x, t),
        },
        indent=1,
    )
)
