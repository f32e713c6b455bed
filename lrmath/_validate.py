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
    if isinstance(value, np.ma.MaskedArray):
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
    refuse(name, array, np.isnan(array), "Drop or fill in missing values first.")
    return array, kind


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
    refuse(name, array, ~np.isfinite(array), advice)


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
    s, kind = real("sample_weight", sample_weight)
    finite("sample_weight", s, "weights must be finite.")
    refuse("sample_weight", s, s < 0, "weights must be 0 or more. To leave a sample out, pass 0.")
    same_shape("sample_weight", s, "y", y)
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
    lengths = [len(row) if hasattr(row, "__len__") else None for row in value]
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
