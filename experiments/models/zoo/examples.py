"""One input for a model of transformers, on any device: shapes alone matter."""

import torch
from torch import Tensor

from .specimen import Arguments


def image_and_text_on(device: torch.device) -> Arguments:
    """One image of 224 by 224 and a text of four tokens."""
    return {**image_on(device), "input_ids": torch.ones(1, 4, dtype=torch.long, device=device)}


def text_on(device: torch.device) -> Arguments:
    """Two tokens."""
    return {"input_ids": torch.ones(1, 2, dtype=torch.long, device=device)}


def masked_text_on(device: torch.device) -> Arguments:
    """Four tokens and the mask of a decoder, which some cannot make without values."""
    mask: Tensor = torch.zeros(1, 1, 4, 4, device=device)
    return {"input_ids": torch.ones(1, 4, dtype=torch.long, device=device), "attention_mask": mask}


def image_on(device: torch.device) -> Arguments:
    """One image of 224 by 224."""
    return {"pixel_values": torch.ones(1, 3, 224, 224, device=device)}


def long_texts_on(device: torch.device) -> Arguments:
    """Texts that reach the last bucket of relative positions."""
    ids = torch.ones(1, 130, dtype=torch.long, device=device)
    mask = torch.zeros(1, 1, 130, 130, device=device)
    return {"input_ids": ids, "decoder_input_ids": ids, "decoder_attention_mask": mask}
