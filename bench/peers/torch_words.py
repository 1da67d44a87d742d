"""Bengio's model of words in PyTorch, trained on a text as `2headgrad train words` does. Speaks as serve.mjs does."""

import json
import os
import sys
import time

import numpy
import torch
import torch.nn.functional as F

from torch_training import Training


class Words(Training):
    """Rows are drawn at random; weight decay pulls at all matrices, the table of vectors among them."""

    def __init__(self, task):
        torch.set_num_threads(task["threads"])
        torch.manual_seed(task["seed"])
        vocab, context, embed, hidden = (task[name] for name in ("vocab", "context", "embed", "hidden"))
        self.batch, self.decay, self.context = task["batch"], task["weightDecay"], context
        self.text = torch.from_numpy(numpy.fromfile(task["file"], dtype=numpy.int32)).long()
        self.offsets = torch.arange(context)
        width = context * embed

        def uniform(fan, *shape):
            return (torch.rand(*shape) * 2 - 1) * (3 / fan) ** 0.5

        self.table = torch.randn(vocab, embed) * 0.1
        self.b2 = torch.zeros(vocab)
        parameters = [self.table, self.b2]
        if hidden > 0:
            self.w1, self.b1 = uniform(width, width, hidden) * 5 / 3, torch.zeros(hidden)
            self.w2 = uniform(hidden, hidden, vocab)
            parameters += [self.w1, self.b1, self.w2]
        if task["direct"]:
            self.w3 = uniform(width, width, vocab)
            parameters.append(self.w3)
        self.hidden, self.direct = hidden > 0, task["direct"]
        super().__init__(parameters, self.measure, self.descend)

    def measure(self):
        first = torch.randint(0, len(self.text) - self.context, (self.batch,))
        places = first[:, None] + self.offsets
        x, y = self.text[places], self.text[first + self.context]
        e = F.embedding(x, self.table, sparse=True).view(self.batch, -1)
        logits = self.b2
        if self.hidden:
            logits = torch.addmm(logits, torch.tanh(torch.addmm(self.b1, e, self.w1)), self.w2)
        if self.direct:
            logits = torch.addmm(logits, e, self.w3)
        return F.cross_entropy(logits, y)

    def descend(self, parameters, gradients, lr):
        for p, g in zip(parameters, gradients):
            if p.dim() > 1:
                p.mul_(1 - lr * self.decay)
            p.add_(g, alpha=-lr)


def resident():
    """Bytes that the process has in memory, where Linux says so."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


words = None
for line in sys.stdin:
    request = json.loads(line)
    if "task" in request:
        words = Words(request["task"])
        print(json.dumps({"ready": True}), flush=True)
    else:
        began = time.perf_counter()
        words.run(request["steps"], request["lr"])
        ms = (time.perf_counter() - began) * 1000
        print(json.dumps({"ms": ms, "loss": words.value(), "resident": resident()}), flush=True)
