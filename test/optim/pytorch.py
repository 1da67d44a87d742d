"""What torch.optim, torch.nn.utils and torch.optim.lr_scheduler do, for test/optim/pytorch.test.ts to follow.

python3 test/optim/pytorch.py > test/optim/pytorch.json   (PyTorch 1.13)
"""

import json
import math

import torch

torch.set_default_dtype(torch.float64)
START = [[0.5, -2.0, 3.0], [-0.25, 1.5]]
STEPS = 25


def x(t, k, i):
    """The batch: exact in float32."""
    return torch.tensor(0.5 + math.sin(3 * t + i + 7 * k) / 4, dtype=torch.float32).item()


def train(make, clip=lambda parameters: None):
    parameters = [torch.tensor(p, requires_grad=True) for p in START]
    optimizer = make(parameters)
    for t in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 if t < 10 else 0.03
        optimizer.zero_grad()
        loss = sum(
            (torch.tensor([x(t, k, i) for i in range(len(p))]) * (p - 1) ** 2).sum() for k, p in enumerate(parameters)
        )
        loss.backward()
        clip(parameters)
        optimizer.step()
    return [p.tolist() for p in parameters]


def rates(make, steps, lr):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    out = []
    for _ in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return out


optim, utils, schedule = torch.optim, torch.nn.utils, torch.optim.lr_scheduler
rms = {
    "plain": {},
    "eps, alpha, decay": {"alpha": 0.9, "eps": 1e-5, "weight_decay": 0.1},
    "momentum": {"momentum": 0.8},
    "centered": {"centered": True, "alpha": 0.9},
    "all": {"centered": True, "momentum": 0.7, "alpha": 0.95, "weight_decay": 0.05, "eps": 1e-4},
}
sgd = lambda p: optim.SGD(p, lr=1)
adam = lambda p: optim.Adam(p, lr=1)
print(
    json.dumps(
        {
            "torch": torch.__version__,
            "rmsprop": {name: train(lambda p: optim.RMSprop(p, **options)) for name, options in rms.items()},
            "clip": {
                "norm": train(sgd, lambda p: utils.clip_grad_norm_(p, 0.7)),
                "value": train(sgd, lambda p: utils.clip_grad_value_(p, 0.3)),
                "adam": train(adam, lambda p: utils.clip_grad_norm_(p, 0.1)),
                "both": train(sgd, lambda p: (utils.clip_grad_value_(p, 0.5), utils.clip_grad_norm_(p, 0.6))),
            },
            "schedule": {
                "step": rates(lambda o: schedule.StepLR(o, 4, 0.5), 14, 0.1),
                "at": rates(lambda o: schedule.MultiStepLR(o, [3, 9], 0.1), 14, 0.1),
                "exponential": rates(lambda o: schedule.ExponentialLR(o, 0.93), 14, 0.2),
                "cosine": rates(lambda o: schedule.CosineAnnealingLR(o, 13, 0.01), 14, 0.3),
                "oneCycle": rates(lambda o: schedule.OneCycleLR(o, 0.5, total_steps=20), 20, 0.1),
                "oneCycle, other ends": rates(
                    lambda o: schedule.OneCycleLR(
                        o, 0.5, total_steps=33, pct_start=0.4, div_factor=10, final_div_factor=100
                    ),
                    33,
                    0.1,
                ),
            },
        },
        indent=1,
    )
)
