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
