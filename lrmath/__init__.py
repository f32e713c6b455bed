"""The mathematics of logistic regression, as code: NumPy only, one module for each chapter."""

from lrmath.bce import bce, bce_from_logits
from lrmath.chain_rule import add_intercept, gradient
from lrmath.data import load_challenger, load_wdbc
from lrmath.sigmoid import log_sigmoid, logit, sigmoid, sigmoid_derivative, softplus

__version__ = "0.1.0"

__all__ = [
    "add_intercept",
    "bce",
    "bce_from_logits",
    "gradient",
    "load_challenger",
    "load_wdbc",
    "log_sigmoid",
    "logit",
    "sigmoid",
    "sigmoid_derivative",
    "softplus",
]
