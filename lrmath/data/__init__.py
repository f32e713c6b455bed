"""The data sets of the book. Their sources and licences are in the README beside the files."""

from importlib.resources import files
from typing import NamedTuple

import numpy as np


class Dataset(NamedTuple):
    """A data set: n samples, d features and one label for each sample."""

    features: np.ndarray
    """Shape (n, d), float64, without a column of ones."""

    y: np.ndarray
    """Shape (n,), float64, each 0 or 1, or the number of the class (0, 1, 2 in the iris data)."""

    feature_names: tuple[str, ...]
    """The d names of the columns of ``features``."""

    description: str
    """What the rows are, what the labels mean, and where the data come from."""


def load_wdbc():
    r"""Wisconsin breast cancer data: is a breast mass malignant?

    ``y`` is 1 for malignant and 0 for benign. Scikit-learn codes the same data the other way
    round, 0 for malignant.

    Returns
    -------
    Dataset
        ``features`` has shape (569, 30); the arrays are new at each call.

    Notes
    -----
    Used throughout the book.
    Literature: W. N. Street, W. H. Wolberg and O. L. Mangasarian, "Nuclear feature extraction for
    breast tumor diagnosis", Proceedings of SPIE 1905 (1993) 861-870.

    Examples
    --------
    >>> from lrmath import load_wdbc
    >>> data = load_wdbc()
    >>> data.features.shape, int(data.y.sum()), data.feature_names[0]
    ((569, 30), 212, 'mean radius')
    """
    return _read(
        "wdbc.csv",
        "569 breast masses, 30 measurements of their cell nuclei; y = 1 is malignant. "
        "UCI Machine Learning Repository, CC BY 4.0.",
    )


def load_challenger():
    r"""O-ring data: did a seal of the space shuttle show damage?

    ``y`` is 1 if any primary field-joint O-ring of the flight showed thermal distress. The one
    feature is the temperature at launch in degrees Fahrenheit.

    Returns
    -------
    Dataset
        ``features`` has shape (23, 1); the arrays are new at each call.

    Notes
    -----
    Used throughout the book.
    Literature: S. R. Dalal, E. B. Fowlkes and B. Hoadley, "Risk analysis of the space shuttle:
    pre-Challenger prediction of failure", Journal of the American Statistical Association 84
    (1989) 945-957.

    Examples
    --------
    >>> from lrmath import load_challenger
    >>> data = load_challenger()
    >>> data.features.shape, int(data.y.sum()), data.feature_names
    ((23, 1), 7, ('temperature_f',))
    """
    return _read(
        "challenger.csv",
        "23 shuttle flights before 28 January 1986, launch temperature in degrees Fahrenheit; "
        "y = 1 is thermal distress of an O-ring. Report of the Presidential Commission (1986), "
        "a United States government work.",
    )


def load_iris():
    r"""Iris data: which of three species is a flower?

    ``y`` is 0 for setosa, 1 for versicolor and 2 for virginica, 50 flowers each. The numbers are
    names: their order means nothing. The four features are lengths and widths in centimetres.

    Returns
    -------
    Dataset
        ``features`` has shape (150, 4); the arrays are new at each call.

    Notes
    -----
    Used in the chapter "Softmax regression".
    Literature: E. Anderson, "The irises of the Gaspe Peninsula", Bulletin of the American Iris
    Society 59 (1935) 2-5. R. A. Fisher, "The use of multiple measurements in taxonomic problems",
    Annals of Eugenics 7 (1936) 179-188.

    Examples
    --------
    >>> from lrmath import load_iris
    >>> data = load_iris()
    >>> data.features.shape, [int((data.y == k).sum()) for k in range(3)], data.feature_names[2]
    ((150, 4), [50, 50, 50], 'petal length (cm)')
    """
    return _read(
        "iris.csv",
        "150 iris flowers, length and width of sepal and petal in centimetres; y = 0 is setosa, "
        "1 is versicolor, 2 is virginica. The values of Fisher's paper (1936). "
        "UCI Machine Learning Repository, CC BY 4.0.",
    )


def _read(name, description):
    with files(__package__).joinpath(name).open(encoding="utf-8") as file:
        *feature_names, _ = file.readline().strip().split(",")
        table = np.loadtxt(file, delimiter=",")
    return Dataset(table[:, :-1].copy(), table[:, -1].copy(), tuple(feature_names), description)
