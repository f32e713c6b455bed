// Scores, their shift and the temperature against the probabilities (chapter 8).
import { axes, dot, labels, line, logarithmic, moving, number, significant } from "./plot.js";
import { softmax } from "./maths.js";

const KINDS = ["blue", "vermillion dashed", "green dashdot"];
const TEMPERATURES = Array.from({ length: 121 }, (_, i) => 10 ** (-1 + i / 40));

moving("fig-temperature", {
  show: { temperature: (power) => significant(10 ** power), first: (v) => number(v, 1), second: (v) => number(v, 1), third: (v) => number(v, 1), shift: (v) => number(v, 1) },
  draw({ svg, width, height }, { first, second, third, shift, temperature }) {
    const scores = [first, second, third].map((score) => score + shift);
    const now = 10 ** temperature;
    const p = softmax(scores, now);
    const plot = axes(svg, [48, 12, width - 12, height - 44], {
      name: "temperature-clip", xScale: logarithmic, xDomain: [0.1, 100], yDomain: [0, 1], xTicks: [[0.1], [1], [10], [100]],
      yTicks: [[0], [1 / 3, "1/3"], [1]], xLabel: "temperature t", yLabel: "probability",
    });
    line(plot, [[0.1, 1 / 3], [100, 1 / 3]], "hair grey dotted");
    line(plot, [[now, 0], [now, 1]], "thin grey");
    const curves = TEMPERATURES.map((t) => softmax(scores, t));
    KINDS.forEach((kind, k) => line(plot, TEMPERATURES.map((t, i) => [t, curves[i][k]]), kind));
    labels(svg, plot, p.map((value, k) => {
      dot(plot, [now, value], KINDS[k].split(" ")[0]);
      return { at: [now, value], label: `score ${number(scores[k], 1)}: ${number(value, 3)}`, kind: KINDS[k].split(" ")[0] };
    }));
    const said = `Scores ${scores.map((score) => number(score, 1)).join(", ")} at temperature ${significant(now)}: `
      + `probabilities ${p.map((value) => number(value, 3)).join(", ")}`;
    return shift ? `${said}, with or without the shift.` : `${said}.`;
  },
});
