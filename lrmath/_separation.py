r"""Can a plane through the origin have all rows on one side?

The rows ``a_i = (2 * y_i - 1) * x_i`` are the samples with the sign of their label. A vector ``d``
with ``A @ d >= 0``, not 0 everywhere, separates the classes, and the loss has no minimiser. If no
vector does, there are weights ``mu > 0`` with ``A.T @ mu = 0`` (Stiemke's lemma): the rows overlap.

How the two are told apart. Let ``B = A @ M`` be an orthonormal basis of the columns of ``A``, and
let ``mu >= 1`` minimise the length of ``r = B.T @ mu``. At the minimiser ``B @ r >= 0``, with
equality where ``mu > 1``.

- If ``|r| < 1``, then ``mu - B @ r`` is positive, because no row of ``B`` is longer than 1, and
  ``B.T @ (mu - B @ r) = r - r = 0``. The rows overlap.
- Otherwise ``M @ r`` separates, because ``sum(mu * (B @ r)) = |r|**2 > 0``.

If the rows overlap, the least length is 0; if not, it is 1 or more. No rounding error bridges that.

The rows with ``B @ r = 0`` are tied. They are searched again by themselves, until none are left
(complete separation) or those left overlap (quasi-complete: every separating direction is 0 there).
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np

_EPS = np.finfo(float).eps
# A score below this share of the longest possible one counts as tied; the tied rows are searched
# again, so a row too many costs nothing. The largest share is above 1 / n.
_TIED = 1e-9


class Separation(NamedTuple):
    """A direction along which the classes are separated."""

    direction: np.ndarray
    """``d``, shape (d+1,), with ``(2 * y - 1) * (X @ d) >= 0``, not 0 everywhere, and scaled by a
    power of 2 so that the largest ``abs(X @ d)`` lies in [1, 2)."""

    margin: float
    """The smallest entry of ``(2 * y - 1) * (X @ d)``, above 0 if the separation is complete, else 0
    (or, where floats cannot give 0, a rounding error)."""

    kind: str
    """Either "complete" or "quasi-complete"; in the second case some samples have score 0 in every
    such direction."""


def separating_direction(A):
    r"""Find ``d`` with ``A @ d >= 0`` and ``A @ d != 0``.

    Parameters
    ----------
    A : numpy.ndarray
        Signed rows ``(2 * y_i - 1) * x_i`` of the samples with positive weight, shape (n, m),
        float64, finite.

    Returns
    -------
    Separation or None
        None if the rows overlap, or if what separates them is smaller than rounding errors:
        columns that depend on each other up to rounding are taken to be dependent.

    Notes
    -----
    In a complete separation ``A @ d > 0`` holds exactly, for the floats in ``A`` and ``d``. In a
    quasi-complete one the scores of the tied rows are 0 in theory. They are computed as 0 if the
    tied rows differ in indicator columns or small whole numbers, or if there is one feature. With
    several columns of long fractions ``d`` itself may not be a vector of floats. Then one is
    searched for whose scores are computed as 0 or more, which mostly succeeds; otherwise some
    are a rounding error below 0, and so is ``margin``; ``fractions.Fraction`` gives true scores.

    Literature: A. Albert and J. A. Anderson, "On the existence of maximum likelihood estimates in
    logistic regression models", Biometrika 71 (1984) 1-10. C. L. Lawson and R. J. Hanson, Solving
    Least Squares Problems, Prentice-Hall 1974, chapter 23.
    """
    with np.errstate(all="ignore"):
        return _separate(A)


def _separate(A):
    # Powers of 2 change no digit: neither the units of a column nor the length of a row matter.
    columns = _exponent(A, axis=0)
    scaled = np.ldexp(A, -columns)
    rows = np.ldexp(scaled, -_exponent(scaled, axis=1)[:, None])
    # Next to a column of ones, values that lie close together keep their digits as differences.
    origin = _origin(scaled)
    centred = rows - rows[:, :1] * origin
    # What the smallest singular values add may drown in rounding; then without them.
    for rank_tol in 8 * A.shape[1] * _EPS * 10.0 ** np.arange(6):
        found = _search(centred, rank_tol)
        if found is None:
            return None
        d, tied = found
        d[0] -= origin @ d
        d = _polish(rows, d, tied)
        if _holds(rows, d, tied):
            scores = scaled @ d
            shift = 1 - _exponent(scores, axis=0)
            # A column of 1e-310 would need an entry of 1e310.
            shift = min(shift, 1000 - np.max(np.frexp(d)[1] - columns))
            kind = "quasi-complete" if tied.any() else "complete"
            least = np.ldexp(np.min(scores), shift)
            return Separation(np.ldexp(d, shift - columns), float(least) + 0.0, kind)
    return None


def _origin(A):
    """The first sample, if the first column is constant up to the sign of the row, else 0; its own entry is 0."""
    ones = A.size > 0 and A[0, 0] != 0 and np.all(np.abs(A[:, 0]) == np.abs(A[0, 0]))
    origin = A[0] / A[0, 0] if ones else np.zeros(A.shape[1])
    origin[:1] = 0
    return origin


def _exponent(A, axis):
    """Powers of 2 that bring the largest entry of each column or row into [1/2, 1)."""
    return np.frexp(np.max(np.abs(A), axis=axis, initial=0))[1]


def _search(A, rank_tol):
    """A direction positive on as many rows as possible, and the rows tied; None if all overlap."""
    n, m = A.shape
    d, tied = np.zeros(m), np.ones(n, dtype=bool)
    while tied.any():
        step = _one_direction(A[tied], rank_tol)
        if step is None:
            break
        old, new = A @ d, A @ step
        # Half as far as the rows that are already positive allow.
        falls = ~tied & (new < 0)
        length = np.min(old[falls] / -new[falls], initial=2.0) / 2
        d = d + length * step
        d /= np.max(np.abs(d))
        tied &= new <= _TIED * np.max(new[tied])
    return (d, tied) if d.any() else None


def _one_direction(A, rank_tol):
    """A direction with ``A @ d >= 0`` that is not 0 on all rows, or None."""
    lengths = np.linalg.norm(A, axis=0)
    scale = np.divide(1, lengths, where=lengths > 0, out=np.zeros_like(lengths))
    _, sizes, V = np.linalg.svd(np.linalg.qr(A * scale, mode="r"), full_matrices=False)
    rank = np.count_nonzero(sizes > rank_tol * max(sizes.max(initial=0), 1e-300))
    if rank == 0:
        return None
    M = scale[:, None] * V[:rank].T / sizes[:rank]
    B = A @ M
    # How far rounding errors move the rows of B.
    rounding = A.shape[1] * _EPS * (np.abs(A) @ np.linalg.norm(M, axis=1))
    # The length is 0 or at least 1; half way is far from both.
    residual = nonnegative_least_squares(B, -B.sum(axis=0), rounding, small=0.5)
    if np.linalg.norm(residual) <= 0.5:
        return None
    d = M @ -residual
    return d / np.max(np.abs(d))


def nonnegative_least_squares(C, f, rounding, small):
    """The residual ``f - C.T @ u`` of least length over ``u >= 0``; at most ``small`` is enough.

    Rows of ``C`` are taken into use one at a time, the one that shortens the residual most
    steeply, and dropped when their ``u`` falls to 0 (Lawson and Hanson). ``rounding`` says how far
    rounding errors move each row.
    """
    used, u = [], np.zeros(0)
    Q, R = np.linalg.qr(C[used].T)
    residual, length = f, np.linalg.norm(f)
    while length > small:
        steepest = _steepest(C, residual, rounding, used, Q, R)
        if steepest is None:
            break
        used, u = [*used, steepest], np.append(u, 0.0)
        while True:
            Q, R = np.linalg.qr(C[used].T)
            best = np.linalg.solve(R, Q.T @ f)
            if np.all(best > 0):
                break
            # Towards the best values until the first of them becomes 0.
            fraction = np.where(best > 0, np.inf, u / np.maximum(u - best, 1e-300))
            first = int(np.argmin(fraction))
            u = u + fraction[first] * (best - u)
            u[first] = 0
            used = [i for i, value in zip(used, u, strict=True) if value > 0]
            u = u[u > 0]
        u = best
        new = f - Q @ (Q.T @ f)
        new -= Q @ (Q.T @ new)  # once more, for the digits that the first lost
        if not np.linalg.norm(new) < length:
            break
        residual, length = new, np.linalg.norm(new)
    return residual


def _steepest(C, residual, rounding, used, Q, R):
    """The row with the largest ``C @ residual`` that is more than a rounding error, or None.

    In theory the rows in use have slope 0, and so has each sum of multiples of them. Its rounding
    error grows with the multiples. Taken into use, it could shorten any residual to 0.
    """
    length = np.linalg.norm(residual)
    slope = C @ residual - rounding * length
    slope[used] = 0
    while slope[i := int(np.argmax(slope))] > 0:
        multiples = np.linalg.solve(R, Q.T @ C[i])
        if slope[i] > np.abs(multiples) @ rounding[used] * length:
            return i
        slope[i] = 0
    return None


def _polish(A, d, tied):
    """Replace ``d`` by floats whose computed scores are 0 or more on the tied rows, if possible."""
    if not tied.any():
        return d
    # Few distinct rows decide whether a candidate is worth the whole product.
    sample = np.unique(A[tied][:500], axis=0)
    best, most, products = d, np.min(A[tied] @ d) / np.max(np.abs(d)), 0
    for candidate in _candidates(A[tied], d):
        largest = np.max(np.abs(candidate))
        if np.min(sample @ candidate) < min(most, 0) * largest or largest == 0:
            continue
        scores = A @ candidate
        if np.all(scores[~tied] > 0):
            least = np.min(scores[tied]) / largest
            if least >= 0 and _orders_minimum(A[tied], candidate) >= 0:
                return candidate
            if least > most:
                best, most = candidate, least
        products += 1
        if products == 100:
            break
    return best


def _orders_minimum(A, d):
    """The least score in three orders of summation: a product may use any."""
    orders = (A @ d, np.asfortranarray(A) @ d, (A * d).sum(axis=1))
    return min(scores.min() for scores in orders)


def _candidates(A, d):
    """Vectors near ``d`` whose scores on the rows of ``A`` have a chance to be exactly 0."""
    # Few binary digits: products and sums of such numbers and of short data are exact.
    short = [_short(d, bits) for bits in range(30)] + [_few_bits(d, bits) for bits in range(1, 30)]
    yield from short
    # The scores as equations, solved for some entries of d without rounding; the others are free.
    null = _null_space(A)
    if null is None:
        return
    exact = [_solve(*null, values) for values in [*short, d]]
    yield from (_floats(_whole(values)) for values in exact)
    # Multiples of one vector are rounded differently.
    for values in exact[:-1:6] + exact[-1:]:
        yield from (_floats([factor * v for v in values]) for factor in range(1, 100, 2))


def _solve(pivots, free, solution, common, d):
    """Whole numbers near ``d``, up to a factor, that solve the equations of ``_null_space``."""
    ratios = _integers(d[free])
    exact = dict(zip(free, (common * v for v in ratios), strict=True))
    for j, row in zip(pivots, solution, strict=True):
        exact[j] = sum(r * v for r, v in zip(row, ratios, strict=True))
    return [exact[j] for j in range(len(d))]


def _whole(values):
    """Whole numbers without their common factor."""
    factor = math.gcd(*values) or 1
    return [v // factor for v in values]


def _floats(values):
    """Whole numbers times a power of 2, as floats near 1."""
    power = max(max(v.bit_length() for v in values) - 60, 0)
    return np.array([float(Fraction(v, 1 << power)) for v in values])


def _short(d, bits):
    """``d`` with its largest entry near 1, rounded to that many binary places."""
    return np.ldexp(np.round(np.ldexp(d / np.max(np.abs(d)), bits)), -bits)


def _few_bits(d, bits):
    """``d`` with each entry rounded to that many binary digits."""
    digits, power = np.frexp(d)
    return np.ldexp(np.round(np.ldexp(digits, bits)), power - bits)


def _null_space(A):
    """Solve ``A @ d = 0`` for some entries of ``d`` in whole numbers.

    Returns ``pivots, free, solution, common`` with
    ``common * d[pivots] = solution @ d[free]``, or None if only 0 solves it or it would take long.
    """
    rows = _independent_rows(A)
    if len(rows) ** 2 * A.shape[1] > 300_000:
        return None
    M = [[int(v) for v in _integers(row)] for row in A[rows]]
    pivots, previous = [], 1
    for i in range(len(M)):
        # Fraction-free elimination: all divisions leave no remainder.
        column = next((j for j in range(A.shape[1]) for k in range(i, len(M)) if M[k][j]), None)
        if column is None:
            M = M[:i]
            break
        k = next(k for k in range(i, len(M)) if M[k][column])
        M[i], M[k] = M[k], M[i]
        pivot = M[i][column]
        for k in range(len(M)):
            if k != i:
                factor = M[k][column]
                pairs = zip(M[k], M[i], strict=True)
                M[k] = [(pivot * a - factor * b) // previous for a, b in pairs]
        pivots.append(column)
        previous = pivot
    if previous < 0:
        previous, M = -previous, [[-v for v in row] for row in M]
    free = [j for j in range(A.shape[1]) if j not in pivots]
    if not free:
        return None
    return pivots, free, [[-row[j] for j in free] for row in M], previous


def _integers(row):
    """A row of floats times a power of 2 that makes them whole numbers."""
    ratios = [float(v).as_integer_ratio() for v in row]
    shared = max(denominator for _, denominator in ratios)
    return [numerator * (shared // denominator) for numerator, denominator in ratios]


def _independent_rows(A):
    """Rows that span all rows, the longest remainder first."""
    squares = np.einsum("ij,ij->i", A, A)
    Q, rows = np.zeros((A.shape[1], 0)), []
    while len(rows) < A.shape[1]:
        i = int(np.argmax(squares))
        if squares[i] < 1e-10:
            # The updates have lost their digits.
            squares = np.sum((A - (A @ Q) @ Q.T) ** 2, axis=1)
            i = int(np.argmax(squares))
            if squares[i] < 1e-24:
                break
        q = A[i] - Q @ (Q.T @ A[i])
        q = q - Q @ (Q.T @ q)
        q /= np.linalg.norm(q)
        squares = np.maximum(squares - (A @ q) ** 2, 0)
        squares[i] = 0
        Q, rows = np.column_stack([Q, q]), [*rows, i]
    return rows


def _holds(A, d, tied):
    """Whether ``A @ d`` is 0 but for rounding on the tied rows, and positive on the others.

    Positive as computed, and without rounding errors.
    """
    scores = A @ d
    rounding = 2 * len(d) * _EPS * (np.abs(A) @ np.abs(d))
    unsure = ~tied & (scores <= rounding)
    return bool(
        np.all(np.abs(scores[tied]) <= np.minimum(rounding[tied], _TIED * np.max(scores)))
        and np.all(scores[~tied] > 0)
        and np.all(exact_product(A[unsure], d) > 0)
    )


def exact_product(A, d):
    """``A @ d`` with one rounding in each entry; entries of moderate size."""
    high = A * d
    (a, b), (c, e) = _halves(A), _halves(d)
    low = ((a * c - high) + a * e + b * c) + b * e
    return np.array([math.fsum(row) for row in np.hstack([high, low]).tolist()])


def _halves(x):
    """``x`` as a sum of two numbers of 26 bits."""
    high = x * 134217729.0
    high = high - (high - x)
    return high, x - high
