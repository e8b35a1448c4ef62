"""Tiny pools in the layouts that others publish, with random weights: the same names of files, keys and columns."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from experiments.models import generic_
from experiments.models.zoo import library
from experiments.pool.brought.soup import SHIFTED
from experiments.pool.published import SimpleViT, SimpleViTSizes
from tests.experiments.local.bundle_writer import write_bundle
from tests.experiments.local.cifar_files import random_batches, write_pickled
from tests.experiments.pool.published.openai_clip import SPREAD
from tests.experiments.pool.published.openai_clip import checkpoint as clip_checkpoint
from tests.experiments.pool.published.tensorflow_bert import WORDS, tiny, variables


class StandIn(NamedTuple):
    """Where a stand-in lies.

    Args:
        checkpoints: folder of the models.
        data: folder of the data.
        results: file or folder of numbers; None where none are needed.
        base: folder of what is shared, if anything is.
        models: how the models are called in the pool.
    """

    checkpoints: Path
    data: Path
    results: Path | None
    base: Path | None
    models: list[str]

    @property
    def options(self) -> dict[str, Any]:
        """Of the command."""
        found: Mapping[str, Path | None] = self._asdict()
        return {name: found[name] for name in ("checkpoints", "data", "results", "base") if found[name] is not None}


def pictures(folder: Path, *, size: int = 20, count: int = 2, classes: int = 3) -> None:
    """Noise in `folder/train/CLASS` and `folder/val/CLASS`."""
    draw = np.random.default_rng(0)
    for part in ("train", "val"):
        for label in range(classes):
            place = folder / part / f"n{label:08d}"
            place.mkdir(parents=True)
            for number in range(count):
                pixels = draw.integers(256, size=(size, size + 3, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"n{label:08d}_{number}.png")


def soup(folder: Path) -> StandIn:
    """Three classifiers around CLIP, the first without hyperparameters."""
    models, data = folder / "models", folder / "imagenet"
    models.mkdir(parents=True)
    pictures(data)
    accuracies, hyperparameters = [], {"model_0": {"info": "LP initialization"}}
    for number in range(3):
        torch.save(clip_checkpoint(number), models / f"model_{number}.pt")
        row = {"model_name": f"model_{number}", "ImageNet2p": 0.8, "ImageNet": 0.7 + 0.05 * number}
        accuracies.append(row | dict.fromkeys(SHIFTED, 0.2 + 0.1 * number))
        if number:
            hyperparameters[f"model_{number}"] = {
                "aug": None,
                "wd": 0.01 * number,
                "lr": 1e-5,
                "mix": 0,
                "smoothing": 0.1,
                "epochs": 4,
            }
    (folder / "individual_model_results.jsonl").write_text("\n".join(map(json.dumps, accuracies)) + "\n")
    (folder / "hparam_info.json").write_text(json.dumps(hyperparameters))
    return StandIn(models, data, folder / "individual_model_results.jsonl", None, ["model_0", "model_1", "model_2"])


PAIRS = (
    ("The doctors visited the lawyer.", "The lawyer saw the doctor.", "neutral"),
    ("The doctor saw the lawyer.", "The doctor saw the lawyer.", "entailment"),
    ("The lawyer visited.", "The lawyers saw.", "contradiction"),
    ('The "doctor', "The lawyer.", "-"),
)


def mnli(folder: Path) -> StandIn:
    """Two BERTs as checkpoints of TensorFlow, one converted; the accuracies end in a mean."""
    models, data, base = folder / "models", folder / "MNLI", folder / "uncased_L-12_H-768_A-12"
    for place in (data, base):
        place.mkdir(parents=True)
    for number in range(2):
        write_bundle(models / f"bert_{number:02d}" / "model.ckpt-36815", variables(tiny(number)))
    tiny(2).save_pretrained(models / "bert_02")
    (base / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    header = ("index", "sentence1", "sentence2", "label1", "gold_label")
    for part in ("train", "dev_matched"):
        lines = [header, *((str(i), first, second, label, label) for i, (first, second, label) in enumerate(PAIRS))]
        (data / f"{part}.tsv").write_text("\n".join(map("\t".join, lines)) + "\n")
    with (folder / "accuracies.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(("Run", "MNLI dev acc.", "Lexical (entailed)", "Overall accuracy"))
        writer.writerows((f"Run {number}", 0.84 + 0.001 * number, 0.9, 0.57) for number in range(3))
        writer.writerows([("Average", 0.84, 0.9, 0.57), ("", "", "", "")])
    return StandIn(models, data, folder / "accuracies.csv", base, ["bert_00", "bert_01", "bert_02"])


CIFAR_NAME = (
    "2023-01-14 23_50_08.{milliseconds} dataset=cifar10 model={model} epochs=200 lr_max={rate} model_width=512 "
    "l2_reg=0.0 sam_rho=0.05 batch_size=128 frac_train=1 p_label_noise=0.0 lr_schedule=cyclic augm=False "
    "randaug=False seed={seed} epoch=200.pth"
)


def cifar_vit(folder: Path) -> StandIn:
    """Two vision transformers, and a residual network that is none of them."""
    models, data, logs = folder / "models", folder / "data", folder / "logs"
    for place in (models, logs):
        place.mkdir(parents=True)
    write_pickled(data, random_batches())
    for seed in range(2):
        torch.manual_seed(seed)
        model = SimpleViT(SimpleViTSizes(patch=16, dim=128, depth=1, heads=1, hidden=16))
        generic_(model, None, spread=SPREAD)
        name = CIFAR_NAME.format(milliseconds=100 + seed, model="vit_exp", rate=0.03 * (1 + seed), seed=seed)
        torch.save({"last": model.state_dict(), "best": {}}, models / name)
        for run in range(2):
            numbers = {"train_err": 0.0, "train_loss": 0.01, "test_err": 0.1 * (1 + seed), "test_loss": 0.5}
            numbers |= {"test_err_corrupt": 0.4, "test_loss_corrupt": 2.0}
            document = numbers | {"model_path": f"/elsewhere/{name}", "rho": run, "sharpness_obj": 1.0}
            (logs / f"{seed}-{run}.json").write_text(json.dumps(document))
    torch.save({"last": {}}, models / CIFAR_NAME.format(milliseconds=999, model="resnet18", rate=0.1, seed=0))
    return StandIn(models, data, logs, None, ["2023-01-14_23_50_08.100", "2023-01-14_23_50_08.101"])


def hugging_face(folder: Path) -> StandIn:
    """Two BERTs saved by transformers with their tokenizer, a table of numbers as CSV, texts as JSON lines."""
    models, data = folder / "models", folder / "data"
    data.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    tokenizer = library("transformers").BertTokenizer(vocab=str(folder / "vocab.txt"))
    for number in range(2):
        tiny(number).save_pretrained(models / f"run-{number}")
        tokenizer.save_pretrained(models / f"run-{number}")
    for part in ("train", "validation"):
        rows = [{"text": text, "label": label % 3} for label, (text, _, _) in enumerate(PAIRS)]
        (data / f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    lines = ["model,seed,learning_rate,train_error,test_accuracy", "run-0,1,0.1,0.25,0.5", "run-1,2,0.2,0.25,0.75"]
    (folder / "numbers.csv").write_text("\n".join(lines) + "\n")
    return StandIn(models, data, folder / "numbers.csv", None, ["run-0", "run-1"])


def timm_folder(folder: Path) -> StandIn:
    """Two vision transformers as timm saves them; numbers in a JSON document by name."""
    models, data = folder / "models", folder / "data"
    pictures(data)
    sizes = {"img_size": 16, "patch_size": 8, "embed_dim": 16, "depth": 1, "num_heads": 2, "mlp_ratio": 1.0}
    timm = library("timm")
    for number in range(2):
        torch.manual_seed(number)
        model = timm.create_model("vit_tiny_patch16_224", num_classes=3, **sizes)
        place = models / f"vit-{number}"
        generic_(model, None, spread=SPREAD)
        timm.models.save_for_hf(model, place, model_args=sizes, safe_serialization=True)
    numbers = {f"vit-{n}": {"seed": n, "rate": 0.1 * (1 + n), "test error": 0.2 + 0.1 * n} for n in range(2)}
    (folder / "numbers.json").write_text(json.dumps(numbers))
    return StandIn(models, data, folder / "numbers.json", None, ["vit-0", "vit-1"])


LAYOUTS: dict[str, Callable[[Path], StandIn]] = {
    "soup": soup,
    "mnli": mnli,
    "cifar-vit": cifar_vit,
    "hugging-face": hugging_face,
    "timm": timm_folder,
}
