// The strength of the ridge against the path of the weights (chapter 7).
import { axes, dot, labels, line, logarithmic, moving, significant, symlog } from "./plot.js";

const KINDS = ["blue", "vermillion dashed", "green dashdot", "purple dotted"];
const DECADES = [[0.001], [0.01, ""], [0.1], [1, ""], [10], [100, ""], [1000], [10000, ""]];

moving("fig-ridge-path", {
  show: { at: (at, data) => significant(data.strengths[at]) },
  draw({ svg, width, height, data }, { at }) {
    const { strengths, weights, norms, losses, names, named } = data;
    const xDomain = [strengths[0], strengths.at(-1)];
    const common = { xScale: logarithmic, xDomain };
    const above = axes(svg, [58, 10, width - 12, height * 0.6], {
      ...common, name: "weights-clip", yScale: symlog(0.1), yDomain: [-40, 40], xTicks: DECADES.map(([value]) => [value, ""]),
      yTicks: [[-10], [-1], [-0.1], [0], [0.1], [1], [10]], yLabel: "weight",
    });
    const below = axes(svg, [58, height * 0.6 + 18, width - 12, height - 44], {
      ...common, name: "sums-clip", yScale: logarithmic, yDomain: [0.004, 100], xTicks: DECADES, yTicks: [[0.01], [0.1], [1], [10]], xLabel: "λ",
    });
    const now = strengths[at];
    const pathOf = (values) => values.map((value, i) => [strengths[i], value]);
    names.forEach((name, j) => { if (!named.includes(name)) line(above, pathOf(weights[j]), "hair grey"); });
    named.forEach((name, k) => line(above, pathOf(weights[names.indexOf(name)]), KINDS[k]));
    line(below, pathOf(norms), "grey");
    line(below, pathOf(losses), "grey dashed");
    for (const plot of [above, below]) {
      const ends = plot === above ? [-40, 40] : [0.004, 100];
      line(plot, [[now, ends[0]], [now, ends[1]]], "hair grey");
    }
    names.forEach((name, j) => { if (!named.includes(name)) dot(above, [now, weights[j][at]], "grey", 2.5); });
    labels(svg, above, named.map((name, k) => {
      const point = [now, weights[names.indexOf(name)][at]];
      const kind = KINDS[k].split(" ")[0];
      dot(above, point, kind);
      return { at: point, label: name, kind };
    }));
    labels(svg, below, [["length of w", norms], ["mean loss", losses]].map(([label, values]) => {
      dot(below, [now, values[at]], "grey");
      return { at: [now, values[at]], label: `${label} ${significant(values[at])}`, kind: "grey" };
    }));
    const zeros = weights.filter((path) => path[at] === 0).length;
    return `λ = ${significant(now)}: length of w ${significant(norms[at])}, mean training loss ${significant(losses[at])}, ${zeros || "no"} weight is exactly zero.`;
  },
});
