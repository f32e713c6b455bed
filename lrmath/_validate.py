"""Input checks shared by the modules.

Every message names the argument, the first offending position and its value, and what to do.
Every array comes back as float64: the formulas are written, proved and measured for that type.
"""

import numbers
import reprlib

import numpy as np


def real(name, value):
    """Return ``value`` as a float64 array without NaN, and the float type to give back."""
    if value is None:
        raise TypeError(f"{name} is None; pass a number or an array of numbers.")
    if _masked(value):
        raise TypeError(
            f"{name} is a masked array, and its mask would be lost. "
            f"Drop or fill the masked entries first, for example {name}.compressed()."
        )
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(_ragged(name, value)) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(_not_real(name, value))
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        raise TypeError(
            f"{name} has dtype {array.dtype}; lrmath computes in float64. "
            f"Pass {name}.astype(float) if that precision is enough."
        )
    kind = array.dtype.type if array.dtype.kind == "f" else np.float64
    array = array.astype(np.float64, copy=False)
    if not _finite_sum(array):
        refuse(name, array, np.isnan(array), "Drop or fill in missing values first.")
    return array, kind


def _masked(value):
    return isinstance(value, np.ma.MaskedArray) or (
        isinstance(value, (list, tuple)) and any(map(_masked, value))
    )


def restore(result, kind):
    """Give ``result`` the caller's float type; a 0-d array becomes a scalar."""
    # Float16 and float32 have a narrower range, so a cast may round to 0 or to inf.
    with np.errstate(over="ignore", under="ignore"):
        return result.astype(kind, copy=False)[()]


def refuse(name, array, bad, advice):
    """Raise ValueError at the first True of ``bad``."""
    if np.any(bad):
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{_entry(name, where)} is {array[where]}; {advice}")


def finite(name, array, advice="Entries must be finite."):
    """Raise ValueError at the first infinite entry."""
    if not _finite_sum(array):
        refuse(name, array, ~np.isfinite(array), advice)


def _finite_sum(array):
    # NaN and infinity survive a sum, which needs no array of booleans as large as the data.
    with np.errstate(all="ignore"):
        return np.isfinite(np.sum(array))


def matrix(name, value):
    """Return ``value`` as a finite float64 array with two axes."""
    array, _ = real(name, value)
    if array.ndim != 2:
        raise ValueError(
            f"{name} has shape {array.shape}; it must be 2-d, one row for each sample. "
            f"Pass {name}.reshape(-1, 1) for one column, {name}.reshape(1, -1) for one row."
        )
    finite(name, array)
    return array


def labels(y):
    """Return ``y`` as a float64 array of zeros and ones."""
    y, _ = real("y", y)
    bad = (y != 0) & (y != 1)
    if np.any(bad):
        value = y[bad][0]
        remedy = {
            2.0: "If the classes are coded {1, 2}, pass y - 1.",
            -1.0: "If the classes are coded {-1, 1}, pass (y + 1) / 2.",
        }.get(value, "Choose the class to call 1 and pass y == that_class.")
        refuse("y", y, bad, f"labels must be 0 or 1. {remedy}")
    return y


def probabilities(p, advice):
    """Return ``p`` as a float64 array in [0, 1], and the float type to give back."""
    p, kind = real("p", p)
    refuse("p", p, (p < 0) | (p > 1), f"probabilities lie in [0, 1]. {advice}")
    return p, kind


def weights(sample_weight, y):
    """Return the weights of the samples ``y``, ones for None, and their float type."""
    if sample_weight is None:
        # Float16 is the narrowest type, so missing weights never widen the result.
        return np.ones(y.shape), np.float16
    s, kind = _weights(sample_weight)
    same_shape("sample_weight", s, "y", y)
    return s, kind


def _weights(sample_weight):
    s, kind = real("sample_weight", sample_weight)
    finite("sample_weight", s, "weights must be finite.")
    refuse("sample_weight", s, s < 0, "weights must be 0 or more. To leave a sample out, pass 0.")
    return s, kind


def same_shape(name, array, other_name, other):
    """Raise ValueError unless both arrays have one shape."""
    if array.shape != other.shape:
        raise ValueError(
            f"{name} has shape {array.shape} and {other_name} has shape {other.shape}; "
            f"they must be equal, because nothing is broadcast. "
            f"Pass one entry of {name} for each entry of {other_name}."
        )


def _entry(name, where):
    return f"{name}[{', '.join(map(str, where))}]" if where else name


def _ragged(name, value):
    lengths = [len(row) if np.iterable(row) else None for row in value]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            found = f"{name}[{i}] is {reprlib.repr(value[i])}, unlike {name}[0] in length"
            break
    else:
        found = f"{name} is {reprlib.repr(value)}, which is no rectangular array"
    return f"{found}. Pass rows of equal length."


def _not_real(name, value):
    # NumPy turns [1, "a"] into an array of strings; the caller's own entries show which one it was.
    entries = np.asarray(value, dtype=object)
    for where in np.ndindex(entries.shape):
        if not isinstance(entries[where], (numbers.Real, np.bool_)):
            found = reprlib.repr(entries[where])
            return (
                f"{_entry(name, where)} is {found}; entries must be real numbers. "
                f"Convert them to numbers first."
            )
    return (
        f"{name} has dtype {np.asarray(value).dtype}; it must be a numeric array. "
        f"Convert it first, for example np.asarray({name}, dtype=float)."
    )


def fits(name, vector, X, axis, advice=""):
    """Raise ValueError unless ``vector`` has one entry for each row (axis 0) or column (1) of X."""
    if vector.shape != (X.shape[axis],):
        line = ("row", "column")[axis]
        raise ValueError(
            f"{name} has shape {vector.shape} and X has shape {X.shape}; {name} must have shape "
            f"({X.shape[axis]},), one entry for each {line} of X.{' ' * bool(advice)}{advice}"
        )


def coefficients(name, value, X):
    """Return ``value`` as a finite float64 array with one entry for each column of X."""
    beta, _ = real(name, value)
    finite(name, beta)
    fits(name, beta, X, 1, "If X lacks the column of ones, call add_intercept first.")
    return beta


def row_weights(sample_weight, X):
    """Return the weights of the rows of X, ones for None."""
    if sample_weight is None:
        return np.ones(X.shape[0])
    s, _ = _weights(sample_weight)
    fits("sample_weight", s, X, 0)
    return s


def problem(X, y, sample_weight, check=labels):
    """Return X, y and the weights of a fit, without the rows of weight 0."""
    X = matrix("X", X)
    if X.shape[1] == 0:
        raise ValueError("X has no columns; call add_intercept to fit an intercept alone.")
    if X.shape[0] == 0:
        raise ValueError("X has no rows; a fit needs at least one sample.")
    y = check(y)
    fits("y", y, X, 0, "A column of labels becomes one axis by y.ravel().")
    s = row_weights(sample_weight, X)
    used = s > 0
    if not np.any(used):
        raise ValueError(
            "sample_weight is 0 everywhere; a fit needs a positive total weight. "
            "Give at least one sample a weight above 0."
        )
    with np.errstate(over="ignore"):
        if not np.isfinite(np.sum(s)):
            raise ValueError("sample_weight has an infinite sum. Divide it by its largest.")
    return (X, y, s) if np.all(used) else (X[used], y[used], s[used])


def number(name, value, *, least=None, above=None):
    """Return ``value`` as a finite float, at least ``least`` and above ``above``."""
    if not isinstance(value, (numbers.Real, np.bool_)) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {reprlib.repr(value)}; pass one real number.")
    try:
        value = float(value)
    except OverflowError:
        value = np.inf if value > 0 else -np.inf
    low = least is not None and not value >= least
    if not np.isfinite(value) or low or (above is not None and not value > above):
        limit = f"{least:g} or more" if above is None else f"above {above:g}"
        raise ValueError(f"{name} is {value}; it must be finite and {limit}.")
    return value


def count(name, value):
    """Return ``value`` as a positive int."""
    if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {reprlib.repr(value)}; pass a whole number.")
    if value < 1:
        raise ValueError(f"{name} is {value}; it must be 1 or more.")
    return int(value)


def axis_of(name, array, axis):
    """Return ``axis`` counted from 0, for an array that has it."""
    if isinstance(axis, (bool, np.bool_)) or not isinstance(axis, numbers.Integral):
        raise TypeError(
            f"axis is {axis!r}; it must be one integer. For several axes reshape {name} first, "
            f"for all of them pass {name}.ravel()."
        )
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"axis is {axis}, and {name} has shape {array.shape}; there is no such axis. "
            + (
                f"Pass an axis from {-array.ndim} to {array.ndim - 1}."
                if array.ndim
                else f"Pass {name} as an array, for example [{name}]."
            )
        )
    return int(axis) % array.ndim


def refuse_slices(name, array, axis):
    """Raise ValueError unless the scores along ``axis`` have a softmax."""
    refuse(
        name,
        array,
        array == np.inf,
        "an infinite score leaves no finite ratio to the others. "
        "For a certain class give every other class the score -inf.",
    )
    nothing = np.max(array, axis) == -np.inf
    if np.any(nothing):
        where = [str(int(i)) for i in np.argwhere(nothing)[0]]
        where.insert(axis, ":")
        raise ValueError(
            f"{name}[{', '.join(where)}] is -inf throughout; every class is impossible there, and "
            f"their probabilities cannot add up to 1. Leave at least one finite score."
        )


def two_axes(name, array):
    """Raise ValueError unless ``array`` has one row for each sample, one column for each class."""
    if array.ndim != 2:
        raise ValueError(
            f"{name} has shape {array.shape}; it must be 2-d, one row for each sample and one "
            f"column for each class."
        )


def class_labels(y, n, K):
    """Return ``y`` as an integer array of shape (n,), each class number from 0 to K-1."""
    y = class_numbers(y)
    if y.shape != (n,):
        advice = {
            (n, 1): " A column of labels becomes one axis by y.ravel().",
            (n, K): " One-hot labels become class numbers by y.argmax(axis=1).",
        }.get(y.shape, "")
        raise ValueError(
            f"y has shape {y.shape}; it must have shape ({n},), one class number for each "
            f"sample.{advice}"
        )
    refuse("y", y, y >= K, f"there are {K} classes, numbered 0 to {K - 1}.")
    return y


def class_numbers(y):
    """Return ``y`` as an integer array of class numbers 0, 1, 2, ..., of any shape."""
    y, _ = real("y", y)
    # Beyond 2**53 a float cannot number anything.
    bad = (y < 0) | (y != np.floor(y)) | (y > 2.0**53)
    refuse(
        "y",
        y,
        bad,
        "classes are numbered 0, 1, ..., K-1. "
        "Number them by np.unique(y, return_inverse=True)[1].",
    )
    return y.astype(np.int64)


def one_hot(Y, n, K):
    """Return ``Y`` as a float64 array of shape (n, K) with one 1 in each row."""
    Y, _ = real("Y", Y)
    if Y.shape != (n, K):
        advice = " Class numbers become one-hot labels by np.eye(K)[y]." if Y.ndim == 1 else ""
        raise ValueError(
            f"Y has shape {Y.shape}; it must have shape ({n}, {K}), one row for each row of X and "
            f"one column for each column of B.{advice}"
        )
    refuse("Y", Y, (Y != 0) & (Y != 1), "labels must be one-hot: zeros, and a 1 at the class.")
    ones = Y.sum(axis=1)
    if np.any(ones != 1):
        i = int(np.flatnonzero(ones != 1)[0])
        raise ValueError(
            f"Y[{i}, :] adds up to {ones[i]:g}; each row must hold exactly one 1, at the class of "
            f"the sample."
        )
    return Y


def one_axis(name, array):
    """Return ``array`` if it has one axis."""
    if array.ndim != 1:
        raise ValueError(
            f"{name} has shape {array.shape}; it must be 1-d, one entry for each sample. "
            f"A column becomes one axis by {name}.ravel()."
        )
    return array


def flag(name, value):
    """Return ``value`` as a bool; nothing else stands for True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {reprlib.repr(value)}; pass True or False.")
    return bool(value)


def ones_first(X, advice):
    """Raise ValueError unless the first column of X can stand for the intercept."""
    first = X[:, 0]
    if first[0] == 0 or np.any(first != first[0]):
        value = first[0] if first[0] == 0 else first[np.argmax(first != first[0])]
        raise ValueError(
            f"X[:, 0] holds {value} in a sample of positive weight; the first column must hold "
            f"ones, because its coefficient is left out of the penalty. {advice}"
        )


def refuse_tiny_columns(X, s):
    """Raise ValueError if the squares of a column are 0 in floats, and with them its curvature."""
    with np.errstate(over="ignore", under="ignore"):
        lost = (s @ X**2 == 0) & np.any(X != 0, axis=0)
    if np.any(lost):
        raise ValueError(
            f"X[:, {int(np.argmax(lost))}] is so small that the squares of its entries are 0 in "
            f"floats, and the curvature of the loss with them. Scale the column."
        )
