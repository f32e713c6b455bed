"""What a fit returns, and the errors that say why there is none.

There is one rule: a fit that is returned has converged. Everything else is an exception, which
carries what was reached.
"""

from dataclasses import dataclass, field

import numpy as np

SEPARATED = (
    "there is no minimiser: the classes are separated ({} separation). Some d has "
    "(2 * y - 1) * (X @ d) at least 0 in all samples of positive weight and above 0 in some, so "
    "the loss falls for ever along d. The error carries d as direction. Call irls with a ridge, or "
    "leave features out."
)


@dataclass(frozen=True, eq=False)
class Fit:
    """A minimiser of the loss, and how it was reached."""

    beta: np.ndarray
    """Coefficients, shape (d+1,)."""

    loss: float
    """The objective at ``beta``, which is the sum of the losses, plus the penalty if there is one."""

    iterations: int
    """Number of steps taken."""

    converged: bool
    """True in every fit that a function returns; False in a fit that an error carries."""

    gradient_norm: float
    """``max(abs(gradient)) / n`` at ``beta``, where n is the total weight of the samples."""

    path: np.ndarray = field(repr=False)
    """The objective at the start and after each step, shape (iterations + 1,)."""

    hessian: np.ndarray | None = field(default=None, repr=False)
    """Second derivatives of the objective at ``beta``; None where it has none (a lasso)."""

    def covariance(self):
        """The inverse of the Hessian: the large-sample covariance of ``beta``.

        With a ridge it is the covariance of the Gaussian approximation to the posterior.
        """
        if not self.converged:
            raise ValueError(
                "this fit did not converge, and away from the minimiser the inverse of the Hessian "
                "is no covariance. Read the error that carried this fit."
            )
        if self.hessian is None:
            raise ValueError(
                "this fit has no covariance: an absolute value has no second derivative at 0, and "
                "a coefficient that was set to 0 is not normal. Use irls for standard errors."
            )
        return _inverse(self.hessian)

    def standard_errors(self):
        """Square roots of the diagonal of the covariance."""
        return np.sqrt(np.diag(self.covariance()))


@dataclass(frozen=True, eq=False)
class SoftmaxFit:
    """A minimiser of the loss of K classes, and how it was reached."""

    B: np.ndarray
    """Coefficients, shape (d+1, K), one column for each class."""

    loss: float
    """The objective at ``B``, which is the sum of the losses, plus the penalty if there is one."""

    iterations: int
    """Number of steps taken."""

    converged: bool
    """True in every fit that a function returns; False in a fit that an error carries."""

    gradient_norm: float
    """``max(abs(gradient)) / n`` at ``B``, where n is the total weight of the samples."""

    path: np.ndarray = field(repr=False)
    """The objective at the start and after each step, shape (iterations + 1,)."""

    hessian: np.ndarray = field(repr=False)
    """Second derivatives of the objective at ``B``, a block of d+1 rows and columns for each class.

    With a reference class its block is left out, because its column of ``B`` is fixed.
    """

    reference: int | None = None
    """The class whose column of ``B`` is fixed at 0; None if there is none."""

    def covariance(self):
        """The inverse of the Hessian: the large-sample covariance of the columns that are free.

        Shape ((d+1)(K-1), (d+1)(K-1)), one block for each class but the reference. With a ridge it
        is the covariance of the Gaussian approximation to the posterior.
        """
        if not self.converged:
            raise ValueError(
                "this fit did not converge, and away from the minimiser the inverse of the Hessian "
                "is no covariance. Read the error that carried this fit."
            )
        if self.reference is None:
            raise ValueError(
                "without a reference class the Hessian has no inverse: adding one number to all "
                "intercepts changes nothing, so the data cannot tell them apart. "
                "Fit with reference=k for standard errors of the differences to class k."
            )
        return _inverse(self.hessian)

    def standard_errors(self):
        """Square roots of the diagonal of the covariance, shaped as ``B``; 0 where it is fixed."""
        errors = np.sqrt(np.diag(self.covariance())).reshape(-1, len(self.B)).T
        return np.insert(errors, self.reference, 0, axis=1)


def _inverse(H):
    # Scaled to a unit diagonal, so that the units of the columns of X cost no digits.
    scale = 1 / np.sqrt(np.diag(H))
    return scale[:, None] * np.linalg.solve(scale[:, None] * H * scale, np.diag(scale))


class SeparationError(ValueError):
    """The classes can be separated: the loss falls for ever along a direction, with no minimiser.

    Attributes
    ----------
    direction : numpy.ndarray
        A vector ``d``, shape (d+1,), with ``((2 * y - 1) * (X @ d)).min() >= 0`` and ``X @ d`` not
        zero. In a quasi-complete separation the least of them may be a rounding error below 0.
        Samples of weight 0 do not take part.
    fit : Fit or None
        What was reached, with ``converged=False``; None if the separation was seen before a step.
    """

    def __init__(self, message, direction, fit=None):
        # All arguments, so that the error survives the way back from another process.
        super().__init__(message, direction, fit)
        self.direction = direction
        self.fit = fit

    def __str__(self):
        return self.args[0]


class RankDeficiencyError(ValueError):
    """Columns of X depend on each other, so infinitely many coefficients give the same loss.

    Attributes
    ----------
    columns : tuple of int
        Columns of X that take part in a dependence, counted from 0.
    fit : Fit or None
        What was reached, with ``converged=False``; None if the dependence was seen before a step.
    """

    def __init__(self, message, columns, fit=None):
        super().__init__(message, columns, fit)
        self.columns = columns
        self.fit = fit

    def __str__(self):
        return self.args[0]


class ConvergenceError(RuntimeError):
    """The iteration stopped before its stopping rule held.

    Attributes
    ----------
    fit : Fit
        What was reached, with ``converged=False``.
    """

    def __init__(self, message, fit):
        super().__init__(message, fit)
        self.fit = fit

    def __str__(self):
        return self.args[0]


def refuse_one_class(X, y, advice="A fit needs samples of both classes."):
    """Raise SeparationError if the first column separates, because there is only one class."""
    if np.all(y == y[0]):
        side = 2 * y[0] - 1
        if np.all(X[:, 0] > 0) or np.all(X[:, 0] < 0):
            direction = np.zeros(X.shape[1])
            direction[0] = side * np.sign(X[0, 0])
            raise SeparationError(
                f"y is {y[0]:.0f} in every sample of positive weight, so the loss falls for ever "
                f"along the first column of X. {advice}",
                direction,
            )


def not_reached(X, fit, longest, tol, advice):
    """The ConvergenceError of a fit whose next step would change a score by ``longest``."""
    reached = f"max(abs(gradient)) / sum(s) is {fit.gradient_norm:.3g} at step {fit.iterations}"
    if longest <= max(tol, 1e-10):
        column = int(np.argmax(np.max(np.abs(X), axis=0)))
        return ConvergenceError(
            f"{reached}, where tol = {tol:.3g}, and the next step would change no score by more "
            f"than {longest:.3g}: what is left is rounding. Column {column} of X has the largest "
            f"entry, {np.max(np.abs(X[:, column])):.3g}; scale it, or raise tol.",
            fit,
        )
    return ConvergenceError(
        f"{reached}, where tol = {tol:.3g}, and the next step would change a score by "
        f"{longest:.3g}. {advice}",
        fit,
    )
