// The mathematics of the figures that move: pure functions, tested against lrmath in tests/test_figures.py.
// X is an array of rows; loss and gradient are sums, as in the book.

// Below this score 1 + exp(-z) rounds to exp(-z), and exp(-z) may overflow.
const FAR = -53 * Math.LN2;

export const sigmoid = (z) => (z < FAR ? Math.exp(z) : 1 / (1 + Math.exp(-z)));

export const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

const dot = (row, beta) => row.reduce((sum, x, j) => sum + x * beta[j], 0);

export const loss = (X, y, beta) => X.reduce((sum, row, i) => sum + softplus((1 - 2 * y[i]) * dot(row, beta)), 0);

export function gradient(X, y, beta) {
  const g = beta.map(() => 0);
  X.forEach((row, i) => {
    // The residual p - y, without the subtraction.
    const sign = 1 - 2 * y[i];
    const residual = sign * sigmoid(sign * dot(row, beta));
    row.forEach((x, j) => { g[j] += x * residual; });
  });
  return g;
}

// Gradient descent until max|gradient| / n <= tol. `path` holds the first points, `last` the two final losses.
export function descend(X, y, start, rate, { tol = 1e-8, maxSteps = 10000, keep = 40 } = {}) {
  const path = [start];
  let beta = start, before = start;
  for (let steps = 0; ; steps++) {
    const g = gradient(X, y, beta);
    const arrived = Math.max(...g.map(Math.abs)) <= tol * y.length;
    if (arrived || steps === maxSteps) return { path, steps, arrived, beta, last: [loss(X, y, before), loss(X, y, beta)] };
    before = beta;
    beta = beta.map((b, j) => b - rate * g[j]);
    if (path.length <= keep) path.push(beta);
  }
}

export function softmax(a, temperature = 1) {
  const largest = Math.max(...a);
  const e = a.map((score) => Math.exp((score - largest) / temperature));
  const sum = e.reduce((s, one) => s + one, 0);
  return e.map((one) => one / sum);
}
