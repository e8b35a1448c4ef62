"""Models with adapters of the library peft."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..initial import generic_
from . import hugging_face
from .optional import library
from .specimen import Specimen

_RANK = 2
_LLAMA_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_BERT_MODULES = ("query", "key", "value", "dense")
_LLAMA = next(specimen for specimen in hugging_face.SPECIMENS if specimen.name == "Llama")
_BERT = next(specimen for specimen in hugging_face.SPECIMENS if specimen.name == "BERT")


def adapted(specimen: Specimen, modules: tuple[str, ...], **options: Any) -> Callable[[], nn.Module]:
    """Low-rank adapters on a base model at generic, frozen parameters."""

    def build() -> nn.Module:
        peft = library("peft")
        base = specimen.build()
        generic_(base, torch.Generator().manual_seed(1))
        config = peft.LoraConfig(r=_RANK, target_modules=list(modules), **options)
        return peft.get_peft_model(base, config)

    return build


def with_trained_base(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """The base model trained beside the adapters."""
    return lambda: build().requires_grad_(True)


def merged(build: Callable[[], Any]) -> Callable[[], nn.Module]:
    """The adapters added to the base weights, and all of it trained."""
    return lambda: build().merge_and_unload().requires_grad_(True)


def with_another(build: Callable[[], Any], modules: tuple[str, ...]) -> Callable[[], nn.Module]:
    """A second adapter, which takes the place of the first."""

    def built() -> nn.Module:
        model = build()
        model.add_adapter("other", library("peft").LoraConfig(r=_RANK, target_modules=list(modules)))
        model.set_adapter("other")
        return model

    return built


_ON_LLAMA = adapted(_LLAMA, _LLAMA_MODULES)
_ON_BERT = adapted(_BERT, _BERT_MODULES)

SPECIMENS = (
    Specimen("LoRA on Llama", _ON_LLAMA, _LLAMA.inputs, {"raw": 56}),
    Specimen("LoRA on BERT", _ON_BERT, _BERT.inputs, {"raw": 60}),
    Specimen("LoRA on Llama, base trained", with_trained_base(_ON_LLAMA), _LLAMA.inputs, {"raw": 690}),
    Specimen("LoRA on Llama, merged", merged(_ON_LLAMA), _LLAMA.inputs, {"raw": 166}),
    Specimen("LoRA on Llama, two adapters", with_another(_ON_LLAMA, _LLAMA_MODULES), _LLAMA.inputs, {"raw": 56}),
    Specimen("DoRA on Llama", adapted(_LLAMA, _LLAMA_MODULES, use_dora=True), _LLAMA.inputs, {"raw": 56}),
)
