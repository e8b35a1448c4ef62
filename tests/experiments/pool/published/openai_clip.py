"""CLIP's image tower and a head on unit features, with OpenAI's parameter names, written with torch's own modules."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from experiments.models import generic_


class QuickGELU(nn.Module):
    """The approximation of GELU by a sigmoid."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """Attention and a perceptron behind norms."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64, batch_first=True)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(width, 4 * width), gelu=QuickGELU(), c_proj=nn.Linear(4 * width, width))
        )
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Tower(nn.Module):
    """Images to features."""

    def __init__(self, *, image: int, patch: int, width: int, depth: int, projection: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.positional_embedding = nn.Parameter(torch.randn((image // patch) ** 2 + 1, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = nn.Sequential(OrderedDict(resblocks=nn.Sequential(*(Block(width) for _ in range(depth)))))
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, projection) / width**0.5)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.conv1(images).flatten(2).mT
        tokens = torch.cat([self.class_embedding.expand(len(images), 1, -1), patches], dim=1)
        tokens = self.transformer(self.ln_pre(tokens + self.positional_embedding))
        return self.ln_post(tokens[:, 0]) @ self.proj


class Classifier(nn.Module):
    """What the soup's checkpoints are states of; of the text tower only leftovers are there."""

    def __init__(self, *, projection: int = 16, classes: int = 3, **sizes: int) -> None:
        super().__init__()
        self.model = nn.Module()
        self.model.visual = Tower(projection=projection, **sizes)
        self.model.positional_embedding = nn.Parameter(torch.randn(7, 8))
        self.model.text_projection = nn.Parameter(torch.randn(8, projection))
        self.model.logit_scale = nn.Parameter(torch.tensor(4.6))
        self.model.token_embedding = nn.Embedding(11, 8)
        self.model.ln_final = nn.LayerNorm(8)
        self.classification_head = nn.Linear(projection, classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.model.visual(images)
        return self.classification_head(features / features.norm(dim=-1, keepdim=True))


#: How far initial values are moved: those of norms are a point where orbits have another form.
SPREAD = 0.1

SIZES = {"image": 16, "patch": 8, "width": 128, "depth": 2}


def checkpoint(seed: int = 0) -> dict[str, Tensor]:
    """The state of a tiny one, with generic norms."""
    torch.manual_seed(seed)
    model = Classifier(**SIZES)
    generic_(model, None, spread=SPREAD)
    return model.state_dict()
