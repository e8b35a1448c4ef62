"""What a measure may be meant to predict."""

from collections.abc import Sequence


def generalization_targets(
    *,
    train_error: Sequence[float],
    test_error: Sequence[float],
    train_loss: Sequence[float],
    test_loss: Sequence[float],
    shifted_error: Sequence[float] | None = None,
) -> dict[str, list[float]]:
    r"""The gap in error, the gap in loss, the test error, and the error on shifted data: four questions, not one.

    Gaps are test minus train. A model may have a small gap and a large error, and a measure may be correlated
    with one and against the other [Andriushchenko2023]; so every statistic is given for each, none is chosen.

    Example:
        >>> generalization_targets(train_error=[0.0], test_error=[0.25], train_loss=[0.5], test_loss=[2.0])
        {'error gap': [0.25], 'loss gap': [1.5], 'test error': [0.25]}

    Args:
        train_error: the error rate on training data, one value for every model; NaN where it is missing.
        test_error: on test data.
        train_loss: the loss on training data.
        test_loss: on test data.
        shifted_error: the error rate on data of another distribution; None leaves this target out.

    Raises:
        ValueError: columns of unequal lengths.
    """
    columns = {"train error": train_error, "test error": test_error, "train loss": train_loss, "test loss": test_loss}
    if shifted_error is not None:
        columns["shifted error"] = shifted_error
    if len({len(column) for column in columns.values()}) != 1:
        lengths = {name: len(column) for name, column in columns.items()}
        raise ValueError(f"expected one value per model in every column, got {lengths}")
    targets = {
        "error gap": [b - a for a, b in zip(train_error, test_error, strict=True)],
        "loss gap": [b - a for a, b in zip(train_loss, test_loss, strict=True)],
        "test error": list(test_error),
    }
    return targets if shifted_error is None else targets | {"shifted error": list(shifted_error)}
