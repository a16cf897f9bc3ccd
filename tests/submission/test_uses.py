"""Rules on the text: what resolves to the library is found by whatever road, and what is only called alike is not."""

from __future__ import annotations

import pytest

from grader.submission.uses import forbidden_imports, forbidden_uses

NAMES = ("dropout", "Dropout", "checkpoint", "Transformer", "scaled_dot_product_attention")
IMPORTS = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"

HONEST = {
    "a scratch comparison whose name is a local of the answer": """
def f(q, k, v):
    out = q @ k
    return out

out = F.scaled_dot_product_attention(q, k, v)
""",
    "a scratch comparison in a loop, a comprehension and a function": """
def f(q):
    return [head for head in q]

for head in range(3):
    head = F.dropout(head)
head = [F.dropout(q) for q in (1, 2)]
def compare(q):
    return F.scaled_dot_product_attention(f(q), q, q)
""",
    "configurations": """
from dataclasses import dataclass
from types import SimpleNamespace

@dataclass
class Config:
    dropout: float = 0.1

settings = {"dropout": 0.1}
config = SimpleNamespace(dropout=0.1, dtype=torch.float32, act=F.gelu, layer=nn.Linear)
class f(nn.Module):
    def __init__(self, cfg=Config(), **options):
        super().__init__()
        self.cfg = cfg
        self.inner = nn.Linear(3, 4)
        p = self.cfg.dropout + config.dropout + settings["dropout"] + settings.get("dropout")
        p += options.pop("dropout", 0)
        p += getattr(cfg, "dropout") + Config().dropout + vars(cfg)["dropout"]
        self.p = p
    def forward(self, x, context=None):
        return context.checkpoint(self.inner(x))
""",
    "a class and a function of ones own, by the library's names": """
class Transformer(nn.Module):
    def dropout(self, x):
        return x * torch.rand_like(x)
    def checkpoint(self, x):
        return self.dropout(x)

def scaled_dot_product_attention(q, k, v):
    return q

REGISTRY = {"Transformer": Transformer, "dropout": scaled_dot_product_attention}
models = [Transformer()]
def f(q):
    return REGISTRY["Transformer"]().checkpoint(q) + models[0].dropout(q) + globals()["Transformer"]().dropout(q)
""",
    "a module of ones own, under a telling name": """
from my_attention import scaled_dot_product_attention as attend, Transformer
import my_attention

def f(q):
    return attend(q, q, q) + Transformer()(q) + my_attention.scaled_dot_product_attention(q, q, q)

# my_attention.py
def scaled_dot_product_attention(q, k, v):
    return q
class Transformer:
    pass
""",
    "the library's checkpoint is imported for a comparison": """
import torch.utils.checkpoint
def f(q):
    return torch.softmax(q, -1)
expected = torch.utils.checkpoint.checkpoint(f, q)
""",
    "a scripted helper, a folder": """
import os
os.makedirs("figures", exist_ok=True)
@torch.jit.script
def helper(x, dropout: float):
    return x * dropout
def f(x):
    return helper(x, 0.5)
""",
    "what tensors are made of": """
@torch.no_grad()
def f(self, inputs, config):
    config.checkpoint(self, torch.zeros(()), *(x for x in inputs), [i for i, x in enumerate(inputs)])
    return torch.stack([x.dropout(torch.ones(1)) for x in inputs if torch.is_tensor(x)])

x = torch.randn(3)
i = F
""",
    "parts of a loop variable": """
def f(layers, x):
    for layer in layers:
        x = layer.dropout(x)
    return x
""",
}


@pytest.mark.parametrize("name", HONEST)
def test_what_is_only_called_alike_is_no_use(name: str) -> None:
    assert forbidden_uses([IMPORTS, HONEST[name]], ["f"], NAMES) == []


HIDDEN = {
    "an own method of the name": """
class Mine:
    def scaled_dot_product_attention(self, q):
        return q
def f(q):
    return F.scaled_dot_product_attention(q, q, q)
""",
    "an own function of the name": """
def scaled_dot_product_attention(q):
    return q
def f(q):
    return torch.nn.functional.scaled_dot_product_attention(q, q, q)
""",
    "an alias in the function": """
def f(q):
    lib = nn.functional
    return lib.dropout(q)
""",
    "an alias of an alias": """
a = nn
b = a.functional
c = b
def f(q):
    return c.dropout(q)
""",
    "unpacked": """
lib, other = F, 3
def f(q):
    return lib.dropout(q)
""",
    "in a container": """
libs = {'x': [F]}
def f(q):
    return libs['x'][0].dropout(q)
""",
    "looped over": """
def f(q):
    for lib in (F,):
        q = lib.dropout(q)
    return q
""",
    "a default": """
def f(q, lib=F):
    return lib.dropout(q)
""",
    "a parameter": """
def g(lib, q):
    return lib.dropout(q)
def f(q):
    return g(F, q)
""",
    "returned": """
def lib():
    return F
def f(q):
    return lib().dropout(q)
""",
    "an attribute": """
class f:
    def __init__(self):
        self.lib = F
    def go(self, q):
        return self.lib.dropout(q)
""",
    "an attribute of the class": """
class f:
    lib = F
    def go(self, q):
        return self.lib.dropout(q)
""",
    "put on afterwards": """
class f:
    pass
f.forward = lambda self, q: F.dropout(q)
""",
    "put on afterwards by setattr": """
class f:
    pass
setattr(f, 'forward', F.dropout)
""",
    "in a registry": """
table = {}
table['go'] = F.dropout
def f(q):
    return table['go'](q)
""",
    "in a registry, updated": """
table = {}
table.update(go=F.dropout)
def f(q):
    return table['go'](q)
""",
    "getattr": """
def f(q):
    return getattr(nn.functional, 'drop' + 'out')(q)
""",
    "getattr of getattr": """
def f(q):
    return getattr(getattr(torch.nn, 'functional'), 'dropout')(q)
""",
    "vars": """
def f(q):
    return vars(F)['dropout'](q)
""",
    "dictionary": """
def f(q):
    return F.__dict__.get('dropout')(q)
""",
    "the globals of a function": """
def f(q):
    return F.softmax.__globals__['dropout'](q)
""",
    "attrgetter": """
from operator import attrgetter
def f(q):
    return attrgetter('dropout')(F)(q)
""",
    "imported by a path": """
import importlib
def f(q):
    return importlib.import_module('torch.nn.functional').dropout(q)
""",
    "sys.modules": """
import sys
def f(q):
    return sys.modules['torch.nn.functional'].dropout(q)
""",
    "__import__": """
def f(q):
    return __import__('torch').dropout(q, 0.5, True)
""",
    "globals()": """
def f(q):
    return globals()['F'].dropout(q)
""",
    "the operation": """
def f(q):
    return torch.ops.aten.dropout.default(q, 0.5, True)
""",
    "bound in a block": """
try:
    import torch.nn.functional as G
except ImportError:
    G = None
def f(q):
    return G.dropout(q)
""",
    "bound by a function": """
def load():
    global G
    G = F
def f(q):
    return G.dropout(q)
""",
    "bound in a match": """
match F:
    case lib:
        pass
def f(q):
    return lib.dropout(q)
""",
    "walrus": """
def f(q):
    return (lib := F) and lib.dropout(q)
""",
    "everything": """
from torch.nn import *
def f(q):
    return Dropout(0.5)(q)
""",
    "made at run time": """
exec('import torch as lib')
def f(q):
    return lib.dropout(q, 0.5, True)
""",
    "a module of its name": """
import torch.utils.checkpoint as ck
def f(q):
    return ck.set_checkpoint_early_stop(q)
""",
    "a subclass of the library's": """
class f(torch.nn.Transformer):
    pass
""",
    "handed to what is not followed": """
keep = []
keep.append(F)
def f(q):
    return keep[0].dropout(q)
""",
    "under a name that no module has": """
import sys
sys.modules['mine'] = F
import mine
def f(q):
    return mine.dropout(q)
""",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_the_library_is_found_by_whatever_road(name: str) -> None:
    assert forbidden_uses([IMPORTS, HIDDEN[name]], ["f"], NAMES)


BY_HAND = "import math\ndef f(x):\n    return math.exp(x)\n"


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([BY_HAND, "import torch\nprint(torch.softmax(torch.tensor(f(1)), 0))"], []),
        ([BY_HAND, "def compare():\n    import torch\n    return torch.ones(1) * f(1)"], []),
        (["import torch\ndef f(x):\n    return torch.exp(x)"], ["torch"]),
        (["def f(x):\n    import torch as t\n    return t.exp(x)"], ["torch"]),
        (["from torch import exp\ndef g(x):\n    return exp(x)\ndef f(x):\n    return g(x)"], ["torch"]),
        (["import torch\nf = torch.tensor([1.0]).tolist()"], ["torch"]),
        (["import sys\nimport torch\ndef f(x):\n    return sys.modules['torch'].exp(x)"], ["torch"]),
        (["import torch\ndef f(x):\n    return globals()['torch'].exp(x)"], ["torch"]),
        (
            ["import helper\ndef f(x):\n    return helper.go(x)", "import torch\ndef go(x):\n    return torch.exp(x)"],
            ["torch"],
        ),
        (["def f(x):\n    return x\n", "import torch\nf.go = torch.exp"], ["torch"]),
    ],
)
def test_only_what_the_answer_imports_counts(cells: list[str], found: list[str]) -> None:
    assert forbidden_imports(cells, ["f"], ["torch", "numpy"]) == found
