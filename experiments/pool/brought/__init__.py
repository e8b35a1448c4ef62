"""Pools that others have trained: where their models, numbers and data lie, and how they are read."""

from .brought import AbstractBrought
from .cifar_vit import CifarViT
from .hugging_face import HuggingFace
from .mnli import Mnli
from .record import Record
from .soup import Soup
from .timm_folder import Timm

#: By the name of the layout, which is that of the task.
BROUGHT: dict[str, type[AbstractBrought]] = {task.name: task for task in (Soup, Mnli, CifarViT, HuggingFace, Timm)}

__all__ = ["BROUGHT", "AbstractBrought", "CifarViT", "HuggingFace", "Mnli", "Record", "Soup", "Timm"]
