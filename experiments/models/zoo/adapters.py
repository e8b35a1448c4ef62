"""Models with adapters of the library peft."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..initial import generic_
from . import encoders, language_models
from .optional import library
from .specimen import Specimen

_RANK = 2
_LLAMA_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_BERT_MODULES = ("query", "key", "value", "dense")
_BASES = {specimen.name: specimen for specimen in (*encoders.SPECIMENS, *language_models.SPECIMENS)}
_LLAMA, _BERT, _GPT2 = _BASES["Llama"], _BASES["BERT"], _BASES["GPT-2"]


def adapted(
    specimen: Specimen, modules: tuple[str, ...], kind: str = "LoraConfig", **options: Any
) -> Callable[[], nn.Module]:
    """Adapters of a kind, low-rank ones by default, on a base model at generic, frozen parameters."""

    def build() -> nn.Module:
        peft = library("peft")
        base = specimen.build()
        generic_(base, torch.Generator().manual_seed(1))
        config = getattr(peft, kind)(target_modules=list(modules), **({"r": _RANK} | options))
        return peft.get_peft_model(base, config)

    return build


def with_trained_base(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """The base model trained beside the adapters."""
    return lambda: build().requires_grad_(True)


def merged(build: Callable[[], Any]) -> Callable[[], nn.Module]:
    """The adapters added to the base weights, and all of it trained."""
    return lambda: build().merge_and_unload().requires_grad_(True)


def with_another(
    build: Callable[[], Any], modules: tuple[str, ...], *, rank: int = _RANK, together: bool = False
) -> Callable[[], nn.Module]:
    """A second adapter, which takes the place of the first, or is active beside it."""

    def built() -> nn.Module:
        model = build()
        model.add_adapter("other", library("peft").LoraConfig(r=rank, target_modules=list(modules)))
        if together:
            model.base_model.set_adapter(["default", "other"])
        else:
            model.set_adapter("other")
        return model

    return built


_FEW = ("q_proj", "down_proj")
_CONV1D = ("c_attn", "c_proj", "c_fc")
_ADALORA = {"init_r": _RANK, "target_r": _RANK, "total_step": 10, "tinit": 1, "tfinal": 1}
_ON_LLAMA = adapted(_LLAMA, _LLAMA_MODULES)
_ON_BERT = adapted(_BERT, _BERT_MODULES)

SPECIMENS = (
    Specimen("LoRA on Llama", _ON_LLAMA, _LLAMA.inputs, {"raw": 56}),
    Specimen("LoRA on BERT", _ON_BERT, _BERT.inputs, {"raw": 60}),
    Specimen("LoRA on Llama, base trained", with_trained_base(_ON_LLAMA), _LLAMA.inputs, {"raw": 690}),
    Specimen("LoRA on Llama, merged", merged(_ON_LLAMA), _LLAMA.inputs, {"raw": 166}),
    Specimen("LoRA on Llama, two adapters", with_another(_ON_LLAMA, _LLAMA_MODULES), _LLAMA.inputs, {"raw": 56}),
    Specimen("DoRA on Llama", adapted(_LLAMA, _LLAMA_MODULES, use_dora=True), _LLAMA.inputs, {"raw": 68}),
    Specimen("LoRA on GPT-2", adapted(_GPT2, _CONV1D, fan_in_fan_out=True), _GPT2.inputs, {"raw": 40}),
    Specimen("LoRA on embeddings", adapted(_LLAMA, ("embed_tokens", "q_proj")), _LLAMA.inputs, {"raw": 12}),
    Specimen(
        "LoRA on Llama, two adapters at once",
        with_another(adapted(_LLAMA, _FEW), _FEW, rank=1, together=True),  # of other scales too
        _LLAMA.inputs,
        {"raw": 4 * (_RANK + 1) ** 2},
    ),
    Specimen("VeRA on Llama", adapted(_LLAMA, _FEW, "VeraConfig"), _LLAMA.inputs, {"raw": 4}),
    Specimen("AdaLoRA on Llama", adapted(_LLAMA, _FEW, "AdaLoraConfig", **_ADALORA), _LLAMA.inputs, {"raw": 24}),
)
