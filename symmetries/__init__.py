"""What leaves the function of a network unchanged: groups, views, declarations, detection, proof, audit."""

from . import stacks
from .absorption import AbstractAbsorption, Gain, ReaderMean, Shear, Shift, Update, WriterMean
from .audit import Audit, audit
from .claims import Claim
from .columns import Columns
from .declarations import (
    Declaration,
    diagonal,
    gated_mlp,
    key_bias,
    layer_scale,
    linear_chain,
    lora_pair,
    norm_gain,
    norm_shift,
    query_key,
    reader_mean,
    relu_rescaling,
    value_bias,
    value_output,
    writer_mean,
)
from .declare import declare
from .detection import detect
from .distance import Distance, aligned, distance
from .errors import SymmetryError
from .evaluation import evaluate_at
from .factor import AbstractFactor
from .family import Family
from .function import output_tensors
from .group import GeneralLinear
from .isospectral_curve import IsospectralCurve
from .model_symmetry import Element, ModelSymmetry
from .params import (
    Covector,
    Params,
    Shapes,
    Tangent,
    pairing,
    require_finite,
    trainable_parameters,
    unknown_name,
)
from .prove import Proof, prove
from .rescaling import Rescaling
from .rotation import Rotation
from .sharding import laid_out, own_shard, require_whole, whole
from .stacks import column_phases
from .statistics import FixedStatistics
from .symmetry import RANK_ULPS, Symmetry
from .verify import defects, verify
from .view import View, portions

__all__ = [
    "RANK_ULPS",
    "AbstractAbsorption",
    "AbstractFactor",
    "Audit",
    "Claim",
    "Columns",
    "Covector",
    "Declaration",
    "Distance",
    "Element",
    "Family",
    "FixedStatistics",
    "Gain",
    "GeneralLinear",
    "IsospectralCurve",
    "ModelSymmetry",
    "Params",
    "Proof",
    "ReaderMean",
    "Rescaling",
    "Rotation",
    "Shapes",
    "Shear",
    "Shift",
    "Symmetry",
    "SymmetryError",
    "Tangent",
    "Update",
    "View",
    "WriterMean",
    "aligned",
    "audit",
    "column_phases",
    "declare",
    "defects",
    "detect",
    "diagonal",
    "distance",
    "evaluate_at",
    "gated_mlp",
    "key_bias",
    "laid_out",
    "layer_scale",
    "linear_chain",
    "lora_pair",
    "norm_gain",
    "norm_shift",
    "output_tensors",
    "own_shard",
    "pairing",
    "portions",
    "prove",
    "query_key",
    "reader_mean",
    "relu_rescaling",
    "require_finite",
    "require_whole",
    "stacks",
    "trainable_parameters",
    "unknown_name",
    "value_bias",
    "value_output",
    "verify",
    "whole",
    "writer_mean",
]
