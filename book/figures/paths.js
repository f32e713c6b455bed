// The learning rate of gradient descent (chapter 5): where the steps go, and how many it takes.
import { axes, dot, labels, line, linear, moving, number } from "./plot.js";
import { descend } from "./maths.js";

const LIMIT = 2; // the theorem's bound, in units of 1/L

// One unit is as long on both axes, so that a right angle on the page is a right angle.
function equal([x0, x1], [y0, y1], width, height) {
  const unit = Math.max((x1 - x0) / width, (y1 - y0) / height);
  const spread = (low, high, length) => [(low + high - unit * length) / 2, (low + high + unit * length) / 2];
  return [spread(x0, x1, width), spread(y0, y1, height)];
}

function sentence(rate, { steps, arrived, last }, data) {
  const alpha = `α = ${number(rate)}/L`;
  if (arrived) {
    const then = `${alpha}: ${steps} steps.`;
    return rate < LIMIT ? then : `${then} Beyond 2/L nothing is sure; here it still arrives.`;
  }
  if (rate > data.stable) {
    return `${alpha}: it never arrives. The loss ends on ${number(last[0])} and ${number(last[1])}; the minimum is ${number(data.loss)}.`;
  }
  return `${alpha}: not there after ${steps} steps; the loss is ${number(last[1], 4)}, ${number(data.loss, 4)} at the minimum.`;
}

moving("fig-paths", {
  show: { rate: (rate) => `${number(rate)}/L`, intercept: (value) => number(value, 1), slope: (value) => number(value, 1) },
  draw({ svg, width, height, data, drag }, { rate, intercept, slope }) {
    const box = [52, 10, width - 8, height - 44];
    const [xDomain, yDomain] = equal(data.x, data.y, box[2] - box[0], box[3] - box[1]);
    const ticks = ([low, high]) => Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, i) => [Math.ceil(low) + i]);
    const plot = axes(svg, box, {
      name: "paths-clip", xDomain, yDomain, xTicks: ticks(xDomain), yTicks: ticks(yDomain), xLabel: "intercept", yLabel: "slope",
    });
    for (const contour of data.contours) line(plot, contour, "thin grey");

    const start = [intercept, slope];
    const run = descend(data.X, data.damage, start, rate / data.L);
    line(plot, run.path, `thin ${rate > LIMIT ? "vermillion" : "blue"}`);
    for (const point of run.path) dot(plot, point, rate > LIMIT ? "vermillion" : "blue", 2.5);
    dot(plot, data.minimum, "green", 6);
    labels(svg, plot, [{ at: data.minimum, label: "minimum", kind: "green", left: false }]);

    const handle = dot(plot, start, `${rate > LIMIT ? "vermillion" : "blue"} open`, 8);
    labels(svg, plot, [{ at: start, label: "start", kind: rate > LIMIT ? "vermillion" : "blue", left: false }]);
    const [toX, toY] = [linear([box[0], box[2]], xDomain), linear([box[3], box[1]], yDomain)];
    drag(handle, (px, py) => ({ intercept: toX(px), slope: toY(py) }));
    return sentence(rate, run, data);
  },
});
