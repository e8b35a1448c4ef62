"""What a statistic says of data that do not determine it."""


class UndefinedStatisticError(ValueError):
    """These models leave the statistic without a value: too few of them, or a column that does not vary."""
