import torch
from torch.nn import functional as F

from experiments.pool.published import SimpleViT, SimpleViTSizes

SIZES = SimpleViTSizes(patch=16, dim=12, depth=2, heads=2, hidden=7)


def oracle(state: dict[str, torch.Tensor], image: torch.Tensor) -> torch.Tensor:
    """The logits of one image, loop by loop."""

    def norm(x, name):
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return x * state[f"{name}.weight"] + state[f"{name}.bias"]

    side, dim = 32 // SIZES.patch, SIZES.dim
    omega = [10_000.0 ** (-k / (dim // 4 - 1)) for k in range(dim // 4)]
    tokens = []
    for i in range(side):
        for j in range(side):
            rows, columns = (slice(k * SIZES.patch, (k + 1) * SIZES.patch) for k in (i, j))
            pixels = image[:, rows, columns].permute(1, 2, 0).flatten()  # the channel runs fastest
            token = state["to_patch_embedding.1.weight"] @ pixels + state["to_patch_embedding.1.bias"]
            place = [torch.tensor([float(p) * w for w in omega]) for p in (j, i)]
            tokens.append(token + torch.cat([f(p) for p in place for f in (torch.sin, torch.cos)]))
    x = torch.stack(tokens)
    for layer in range(SIZES.depth):
        name = f"transformer.layers.{layer}"
        q, k, v = (norm(x, f"{name}.0.norm") @ state[f"{name}.0.to_qkv.weight"].mT).split(64 * SIZES.heads, dim=-1)
        heads = []
        for h in range(SIZES.heads):
            part = slice(64 * h, 64 * (h + 1))
            heads.append(torch.softmax(q[:, part] @ k[:, part].mT / 8.0, dim=-1) @ v[:, part])
        x = x + torch.cat(heads, dim=-1) @ state[f"{name}.0.to_out.weight"].mT
        hidden = norm(x, f"{name}.1.net.0") @ state[f"{name}.1.net.1.weight"].mT + state[f"{name}.1.net.1.bias"]
        x = x + F.gelu(hidden) @ state[f"{name}.1.net.3.weight"].mT + state[f"{name}.1.net.3.bias"]
    return norm(x.mean(0), "linear_head.0") @ state["linear_head.1.weight"].mT + state["linear_head.1.bias"]


def test_logits_are_those_of_the_formulas():
    model = SimpleViT(SIZES).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    image = torch.randn(3, 32, 32, dtype=torch.float64)
    expected = oracle(dict(model.state_dict()), image)
    # The positions are sums of float32 numbers in the model, and of float64 numbers here.
    torch.testing.assert_close(model(image[None])[0], expected, rtol=1e-5, atol=1e-5)


def test_sizes_are_read_from_the_weights():
    assert SimpleViTSizes.of(SimpleViT(SIZES).state_dict()) == SIZES


def test_the_default_is_the_published_one():
    with torch.device("meta"):
        state = SimpleViT().state_dict()
    assert state["transformer.layers.5.0.to_qkv.weight"].shape == (3072, 512)
    assert state["transformer.layers.5.1.net.3.weight"].shape == (512, 1024)
    assert set(state) >= {"to_patch_embedding.1.bias", "linear_head.0.weight", "linear_head.1.bias"}
    assert sum(value.numel() for value in state.values()) == 6 * (
        2 * 512 + 512 * 3072 + 1024 * 512 + 2 * 512 + 513 * 1024 + 1025 * 512
    ) + (49 * 512 + 2 * 512 + 513 * 10)
