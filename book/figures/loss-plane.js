// The two parameters of the sigmoid against the O-ring data (chapter 2): a curve above, a point of the loss below.
import { axes, dot, labels, line, linear, moving, number } from "./plot.js";
import { loss, sigmoid } from "./maths.js";

moving("fig-loss-plane", {
  show: { intercept: (value) => number(value), slope: (value) => number(value, 3) },
  press: ({ minimum: [intercept, slope] }) => ({ intercept, slope }),
  draw({ svg, width, height, data, drag }, { intercept, slope }) {
    const middle = height * 0.5;
    const forecast = (degrees) => sigmoid(intercept + slope * (degrees - data.origin));
    const above = axes(svg, [58, 10, width - 8, middle - 50], {
      name: "flights-clip", xDomain: [50, 84], yDomain: [0, 1], xTicks: [[50], [60], [70], [80]], yTicks: [[0], [0.5], [1]],
      xLabel: "temperature at launch in °F", yLabel: "probability",
    });
    data.temperature.forEach((degrees, i) => {
      line(above, [[degrees, data.damage[i]], [degrees, forecast(degrees)]], "hair vermillion");
      dot(above, [degrees, data.damage[i]], "grey faint");
    });
    line(above, Array.from({ length: 69 }, (_, i) => [50 + i / 2, forecast(50 + i / 2)]), "blue");

    const box = [58, middle + 6, width - 8, height - 44];
    const [xDomain, yDomain] = [data.x, data.y];
    const below = axes(svg, box, {
      name: "loss-clip", xDomain, yDomain, xTicks: [[-3], [-2], [-1], [0], [1]], yTicks: [[-0.4], [-0.2], [0]],
      xLabel: "intercept (log-odds at 70 °F)", yLabel: "slope per °F",
    });
    for (const contour of data.contours) line(below, contour, "thin grey");
    const [now, lowest] = [[intercept, slope], data.minimum];
    const J = loss(data.temperature.map((degrees) => [1, degrees - data.origin]), data.damage, now);
    const there = J - data.loss < 0.005;
    dot(below, lowest, "green", 6);
    const handle = dot(below, now, "blue open", 8);
    labels(svg, below, [
      ...(there ? [] : [{ at: lowest, label: `minimum ${number(data.loss)}`, kind: "green", left: lowest[0] < intercept }]),
      { at: now, label: `J = ${number(J)}`, kind: there ? "green" : "blue", left: lowest[0] >= intercept },
    ]);
    const [toX, toY] = [linear([box[0], box[2]], xDomain), linear([box[3], box[1]], yDomain)];
    drag(handle, (px, py) => ({ intercept: toX(px), slope: toY(py) }));
    const said = `Intercept ${number(intercept)}, slope ${number(slope, 3)}: the loss is ${number(J)}`;
    return there ? `${said}, the minimum.` : `${said}, ${number(J - data.loss)} above the minimum.`;
  },
});
