"""What trains the workloads in PyTorch: a loss, its gradients and their update."""

import torch


class Training:
    """Steps on one batch; `loss` makes the loss from the parameters, `update` takes their gradients."""

    def __init__(self, parameters, loss, update):
        self.parameters = [p.requires_grad_() for p in parameters]
        self.loss = loss
        self.update = update
        self.last = None

    def run(self, steps, lr):
        for _ in range(steps):
            self.last = self.loss()
            gradients = torch.autograd.grad(self.last, self.parameters)
            with torch.no_grad():
                self.update(self.parameters, gradients, lr)

    def value(self):
        return self.last.item()


def sgd(parameters, gradients, lr):
    torch._foreach_add_(parameters, gradients, alpha=-lr)


def sgd_sparse(parameters, gradients, lr):
    for p, g in zip(parameters, gradients):
        p.add_(g, alpha=-lr)


class Adam:
    """Adam, or with a weight decay AdamW, over all parameters at once as torch.optim does with foreach=True."""

    def __init__(self, parameters, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
        self.m = [torch.zeros_like(p) for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]
        self.beta1, self.beta2, self.eps, self.weight_decay, self.t = beta1, beta2, eps, weight_decay, 0

    def __call__(self, parameters, gradients, lr):
        self.t += 1
        if self.weight_decay:
            torch._foreach_mul_(parameters, 1 - lr * self.weight_decay)
        torch._foreach_mul_(self.m, self.beta1)
        torch._foreach_add_(self.m, gradients, alpha=1 - self.beta1)
        torch._foreach_mul_(self.v, self.beta2)
        torch._foreach_addcmul_(self.v, gradients, gradients, 1 - self.beta2)
        roots = torch._foreach_sqrt(self.v)
        torch._foreach_div_(roots, (1 - self.beta2**self.t) ** 0.5)
        torch._foreach_add_(roots, self.eps)
        torch._foreach_addcdiv_(parameters, self.m, roots, -lr / (1 - self.beta1**self.t))


def optimizer(config, parameters):
    """The update of config["optim"]: sgd, adam or adamw with the defaults of PyTorch."""
    optim = config["optim"]
    others = set(optim) - {"name", "lr"} - ({"weight_decay"} if optim["name"] == "adamw" else set())
    if others:
        raise ValueError(f"this peer has no {sorted(others)[0]} of {optim['name']}")
    if optim["name"] == "sgd":
        return sgd
    decay = optim.get("weight_decay", 0.01) if optim["name"] == "adamw" else 0.0
    return Adam(parameters, weight_decay=decay)
