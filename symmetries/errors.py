"""The one error that says a declared symmetry is not a symmetry of the model at hand."""


class SymmetryError(ValueError):
    """A symmetry does not fit a model: unknown parameter, wrong shape, or a function that changes."""
