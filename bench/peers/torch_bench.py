"""The workloads in PyTorch, eager, on one thread. Speaks as serve.mjs does."""

import json
import sys
import time

import torch
import torch.nn.functional as F

from torch_networks import cnn, gpt, rnn
from torch_training import Adam, Training, sgd, sgd_sparse

torch.set_num_threads(1)


def read(task):
    with open(task["file"], "rb") as file:
        data = bytearray(file.read())
    tensors = {}
    for t in task["tensors"]:
        count = 1
        for n in t["shape"]:
            count *= n
        dtype = torch.int32 if t["dtype"] == "i32" else torch.float32
        tensor = torch.frombuffer(data, dtype=dtype, count=count, offset=t["offset"]).reshape(t["shape"])
        # Copied, so that it lies as its kernels like it; indices are int64 in PyTorch.
        tensors[t["name"]] = tensor.long() if t["dtype"] == "i32" else tensor.clone()
    return task["config"], tensors


def bengio(config, t):
    vocab, width = config["vocab"], config["context"] * config["embed"]
    batch, x, y = config["batch"], t["x"], t["y"]
    table, w1, w2, b2, w3 = t["C"], t["W1"], t["W2"], t["b2"], t.get("W3")
    norm = config.get("norm") == "batch"
    # A dense gradient of a large table is mostly zeros.
    sparse = vocab > 1024

    def loss():
        e = F.embedding(x, table, sparse=sparse).view(batch, width)
        if norm:
            z = F.batch_norm(
                e @ w1,
                t["running_mean"],
                t["running_var"],
                t["gain"],
                t["bias"],
                training=True,
                momentum=config["momentum"],
            )
        else:
            z = torch.addmm(t["b1"], e, w1)
        logits = torch.addmm(b2, torch.tanh(z), w2)
        if w3 is not None:
            logits = torch.addmm(logits, e, w3)
        return F.cross_entropy(logits, y)

    names = ["C", "W1", "gain", "bias", "W2", "b2"] if norm else ["C", "W1", "b1", "W2", "b2"]
    if w3 is not None:
        names.append("W3")
    return Training([t[name] for name in names], loss, sgd_sparse if sparse else sgd)


def mlp(config, t):
    if config["act"] != "relu":
        raise ValueError(f"this peer has no {config['act']}")
    x, y, layers = t["x"], t["y"], len(config["dims"]) - 1
    weights = [t[f"W{i + 1}"] for i in range(layers)]
    biases = [t[f"b{i + 1}"] for i in range(layers)]

    def loss():
        h = x
        for i, (w, b) in enumerate(zip(weights, biases)):
            z = torch.addmm(b, h, w)
            h = torch.relu(z) if i < layers - 1 else z
        return F.cross_entropy(h, y)

    parameters = weights + biases
    return Training(parameters, loss, Adam(parameters))


class Product:
    def __init__(self, _, t):
        self.a, self.b = t["a"], t["b"]
        self.c = torch.empty(self.a.shape[0], self.b.shape[1])

    def run(self, steps, _):
        for _ in range(steps):
            torch.mm(self.a, self.b, out=self.c)

    def value(self):
        return self.c.double().square().sum().item()


def reply(message):
    print(json.dumps(message), flush=True)


def main():
    runner = None
    models = {"bengio": bengio, "mlp": mlp, "gpt": gpt, "cnn": cnn, "rnn": rnn, "product": Product}
    for line in sys.stdin:
        request = json.loads(line)
        if "task" in request:
            config, tensors = read(request["task"])
            runner = models[config["model"]](config, tensors)
            reply({"ready": True})
        elif "steps" in request:
            began = time.perf_counter()
            runner.run(request["steps"], request.get("lr", 0))
            reply({"ms": (time.perf_counter() - began) * 1000})
        else:
            reply({"value": runner.value()})


main()
