"""
Small models in PyTorch, whose weights and logits are the fixtures of weights.test.ts.

    python3 pytorch.py make             writes them beside this file
    python3 pytorch.py check FOLDER     loads gpt2.safetensors and llama.safetensors of a folder, strictly, and compares logits

The format of safetensors is written and read here by hand, so that nothing but PyTorch is needed.
GPT-2: Radford et al. 2019 with Conv1D layers, [in, out], and fused queries, keys and values, as transformers names them.
LLaMA: Touvron et al. 2023 with grouped keys and values, Linear layers, [out, in], and halves rotated, as transformers has it.
"""
import json
import math
import struct
import sys
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, CONTEXT, WIDTH, LAYERS = 13, 8, 16, 2
HEADS, GROUPS, HIDDEN = 4, 2, 20
IDS = [3, 1, 4, 1, 5, 9, 2, 6]


class Conv1D(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * 0.3)
        self.bias = nn.Parameter(torch.randn(outputs) * 0.3)

    def forward(self, x):
        return x @ self.weight + self.bias


def attend(q, k, v):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ v


def heads_of(x, count):
    return x.view(1, CONTEXT, count, -1).transpose(1, 2)


def joined(x):
    return x.transpose(1, 2).reshape(1, CONTEXT, WIDTH)


class GPT2Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = nn.ModuleDict({'c_attn': Conv1D(WIDTH, 3 * WIDTH), 'c_proj': Conv1D(WIDTH, WIDTH)})
        self.mlp = nn.ModuleDict({'c_fc': Conv1D(WIDTH, 4 * WIDTH), 'c_proj': Conv1D(4 * WIDTH, WIDTH)})

    def forward(self, x):
        q, k, v = (heads_of(t, HEADS) for t in self.attn['c_attn'](self.ln_1(x)).split(WIDTH, -1))
        x = x + self.attn['c_proj'](joined(attend(q, k, v)))
        return x + self.mlp['c_proj'](F.gelu(self.mlp['c_fc'](self.ln_2(x)), approximate='tanh'))


class GPT2(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(VOCAB, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.h = nn.ModuleList([GPT2Block() for _ in range(LAYERS)])
        self.ln_f = nn.LayerNorm(WIDTH)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(CONTEXT))
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.T


class RMSNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


def rotated(x):
    half = x.shape[-1] // 2
    angles = torch.arange(CONTEXT)[:, None] * 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.cat([angles, angles], -1)
    return x * angles.cos() + torch.cat([-x[..., half:], x[..., :half]], -1) * angles.sin()


class LlamaLayer(nn.Module):
    def __init__(self):
        super().__init__()
        shared = GROUPS * WIDTH // HEADS
        dense = lambda inputs, outputs: nn.Linear(inputs, outputs, bias=False)
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(), RMSNorm()
        self.self_attn = nn.ModuleDict({
            'q_proj': dense(WIDTH, WIDTH), 'k_proj': dense(WIDTH, shared),
            'v_proj': dense(WIDTH, shared), 'o_proj': dense(WIDTH, WIDTH),
        })
        self.mlp = nn.ModuleDict({
            'gate_proj': dense(WIDTH, HIDDEN), 'up_proj': dense(WIDTH, HIDDEN), 'down_proj': dense(HIDDEN, WIDTH),
        })

    def forward(self, x):
        y, attn = self.input_layernorm(x), self.self_attn
        q = rotated(heads_of(attn['q_proj'](y), HEADS))
        k, v = rotated(heads_of(attn['k_proj'](y), GROUPS)), heads_of(attn['v_proj'](y), GROUPS)
        k, v = (t.repeat_interleave(HEADS // GROUPS, 1) for t in (k, v))
        x = x + attn['o_proj'](joined(attend(q, k, v)))
        y, mlp = self.post_attention_layernorm(x), self.mlp
        return x + mlp['down_proj'](F.silu(mlp['gate_proj'](y)) * mlp['up_proj'](y))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.ModuleDict({
            'embed_tokens': nn.Embedding(VOCAB, WIDTH),
            'layers': nn.ModuleList([LlamaLayer() for _ in range(LAYERS)]),
            'norm': RMSNorm(),
        })
        self.lm_head = nn.Linear(WIDTH, VOCAB, bias=False)

    def forward(self, ids):
        x = self.model['embed_tokens'](ids)
        for layer in self.model['layers']:
            x = layer(x)
        return self.lm_head(self.model['norm'](x))


MODELS = {'gpt2': GPT2, 'llama': Llama}
DTYPES = {'F32': torch.float32, 'F16': torch.float16, 'BF16': torch.bfloat16}


def write(path, tensors, dtype):
    header, data = {}, b''
    for name, tensor in tensors.items():
        t = tensor.detach().to(DTYPES[dtype]).contiguous()
        raw = (t if dtype == 'F32' else t.view(torch.int16)).numpy().tobytes()
        header[name] = {'dtype': dtype, 'shape': list(t.shape), 'data_offsets': [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    path.write_bytes(struct.pack('<Q', len(text)) + text + data)


def read(path):
    raw = path.read_bytes()
    (size,) = struct.unpack('<Q', raw[:8])
    header = json.loads(raw[8:8 + size])
    header.pop('__metadata__', None)
    of = lambda t: torch.frombuffer(bytearray(raw[8 + size:][slice(*t['data_offsets'])]), dtype=DTYPES[t['dtype']])
    return {name: of(t).view(t['shape']) for name, t in header.items()}


def logits(model):
    with torch.no_grad():
        return model.double()(torch.tensor([IDS]))[0]


def make(folder):
    figures = {'ids': IDS}
    for kind, dtypes in {'gpt2': ['F32', 'F16'], 'llama': ['F32', 'BF16']}.items():
        torch.manual_seed(42)
        model = MODELS[kind]()
        with torch.no_grad():
            for name, p in model.named_parameters():
                if 'norm' in name or 'ln_' in name:
                    p.add_(torch.randn(p.shape) * 0.2)
        for dtype in dtypes:
            file = kind if dtype == 'F32' else f'{kind}-{dtype.lower()}'
            write(folder / f'{file}.safetensors', model.state_dict(), dtype)
            again = MODELS[kind]()
            again.load_state_dict({n: t.float() for n, t in read(folder / f'{file}.safetensors').items()})
            figures[file] = [round(x, 10) for x in logits(again).flatten().tolist()]
    (folder / 'logits.json').write_text(json.dumps(figures) + '\n')


def check(folder):
    wanted = json.loads((Path(__file__).parent / 'logits.json').read_text())
    for kind, build in MODELS.items():
        model = build()
        model.load_state_dict(read(folder / f'{kind}.safetensors'), strict=True)
        far = (logits(model).flatten() - torch.tensor(wanted[kind])).abs().max().item()
        print(f'{kind}: loaded, logits differ by {far:.1e}')
        assert far < 1e-5


if sys.argv[1:] == ['make']:
    make(Path(__file__).parent)
elif len(sys.argv) == 3 and sys.argv[1] == 'check':
    check(Path(sys.argv[2]))
else:
    sys.exit(__doc__)
