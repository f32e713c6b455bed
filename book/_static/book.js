// A box that scrolls sideways must be reachable from the keyboard, and only such a box: which ones scroll depends on the
// width of the window.
(() => {
  const mark = () => {
    for (const box of document.querySelectorAll(".math-scroll, .derivation > .container, pre, .pst-scrollable-table-container, .cell_output .output")) {
      if (box.scrollWidth > box.clientWidth + 1) {
        box.tabIndex = 0;
      } else if (box.tabIndex === 0) {
        box.removeAttribute("tabindex");
      }
    }
  };
  mark();
  addEventListener("load", mark); // once more: the fonts of the formulas are there now
  addEventListener("resize", mark);
  // A fold hides what it holds, so its widths are known only after it opens.
  document.addEventListener("toggle", mark, true);
  document.addEventListener("click", () => setTimeout(mark, 300));
})();

// The theme puts hidden buttons for the two side bars into its header and connects those; the ones that one sees stay dead
// (pydata-sphinx-theme issue 2451). Pass their clicks on.
for (const name of ["primary", "secondary"]) {
  const [connected, ...seen] = document.querySelectorAll(`.${name}-toggle`);
  for (const button of seen) {
    button.addEventListener("click", () => connected.click());
  }
}
