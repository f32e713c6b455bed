"""The mathematics of logistic regression, as code: NumPy only, one module for each chapter."""

from lrmath._fit import ConvergenceError, Fit, RankDeficiencyError, SeparationError, SoftmaxFit
from lrmath._separation import Separation
from lrmath.bce import bce, bce_from_logits
from lrmath.chain_rule import add_intercept, gradient
from lrmath.data import load_challenger, load_iris, load_wdbc
from lrmath.decisions import (
    CalibrationCurve,
    bayes_threshold,
    brier_score,
    calibration_curve,
    class_weights,
    find_separation,
)
from lrmath.gradient_descent import gradient_descent
from lrmath.hessian import hessian
from lrmath.irls import irls
from lrmath.regularization import l1_max, lasso, soft_threshold
from lrmath.sigmoid import log_sigmoid, logit, sigmoid, sigmoid_derivative, softplus
from lrmath.softmax import fit_softmax, softmax_gradient, softmax_hessian

# Importing lrmath.softmax binds that name to the module; the function of that name must come last.
from lrmath.log_sum_exp import cross_entropy_from_logits, log_softmax, logsumexp, softmax

__version__ = "0.1.0"

__all__ = [
    "CalibrationCurve",
    "ConvergenceError",
    "Fit",
    "RankDeficiencyError",
    "Separation",
    "SeparationError",
    "SoftmaxFit",
    "add_intercept",
    "bayes_threshold",
    "bce",
    "bce_from_logits",
    "brier_score",
    "calibration_curve",
    "class_weights",
    "cross_entropy_from_logits",
    "find_separation",
    "fit_softmax",
    "gradient",
    "gradient_descent",
    "hessian",
    "irls",
    "l1_max",
    "lasso",
    "load_challenger",
    "load_iris",
    "load_wdbc",
    "log_sigmoid",
    "log_softmax",
    "logit",
    "logsumexp",
    "sigmoid",
    "sigmoid_derivative",
    "soft_threshold",
    "softmax",
    "softmax_gradient",
    "softmax_hessian",
    "softplus",
]
