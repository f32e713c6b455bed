// What the pages do. It takes the place of the theme's scripts (book/_ext/fast_pages.py) and says nothing in the console.
// Folds (details), dialogs and the search form are the browser's own, so that most of the page works without any of this.
"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
// What nobody needs in the first moment waits for a quiet one, piece by piece, so that the page answers at once.
const later = (piece) => (window.requestIdleCallback ?? setTimeout)(piece);

// Light, dark, or as the system has it ----------------------------------------------------------------------------------
{
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = (mode) => {
    root.dataset.mode = mode;
    root.dataset.theme = mode === "auto" ? (system.matches ? "dark" : "light") : mode;
    for (const button of all(".theme-switch-button")) {
      button.ariaLabel = button.title = `Colours: ${mode === "auto" ? "as the system" : mode}`;
    }
  };
  show(root.dataset.mode);
  system.addEventListener("change", () => show(root.dataset.mode));
  for (const button of all(".theme-switch-button")) {
    button.addEventListener("click", () => {
      const order = system.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
      show(order[(order.indexOf(root.dataset.mode) + 1) % 3]);
      try {
        localStorage.setItem("mode", root.dataset.mode);
      } catch {} // storage may be forbidden; then the choice lasts until the next page
    });
  }
}

// The search dialog: the button, or Ctrl-K ------------------------------------------------------------------------------
const closeOnBackdrop = (dialog) =>
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
{
  const dialog = document.querySelector("#pst-search-dialog");
  const onPage = document.querySelector(".bd-search-container input");
  const open = () => {
    if (onPage) onPage.focus();
    else if (dialog.open) dialog.close();
    else dialog.showModal();
  };
  closeOnBackdrop(dialog);
  for (const button of all(".search-button__button")) button.addEventListener("click", open);
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
  if (onPage && !new URLSearchParams(location.search).has("q")) onPage.focus();
}

// The side bars: on a wide window the left one folds away, on a narrow one each opens as a dialog -----------------------
for (const name of ["primary", "secondary"]) {
  const bar = document.querySelector(`#pst-${name}-sidebar`);
  const dialog = document.querySelector(`#pst-${name}-sidebar-modal`);
  if (!bar || !dialog) continue;
  const move = (from, to) => {
    to.append(...from.childNodes);
    to.classList.add(...from.classList);
    from.className = "";
  };
  closeOnBackdrop(dialog);
  dialog.ariaLabel = name === "primary" ? "Contents of the book" : "Contents of this page";
  dialog.addEventListener("close", () => move(dialog, bar));
  // A link inside the page closes the dialog that hides its target.
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("a[href^='#']")) dialog.close();
  });
  for (const button of all(`.${name}-toggle`)) {
    button.ariaLabel = button.title = dialog.ariaLabel;
    button.addEventListener("click", () => {
      if (name === "primary" && matchMedia("(min-width: 992px)").matches) {
        button.ariaExpanded = !bar.classList.toggle("pst-sidebar-hidden");
      } else {
        move(bar, dialog);
        dialog.showModal();
      }
    });
  }
}

// The menus above the text ----------------------------------------------------------------------------------------------
{
  const set = (menu, open) => {
    menu.querySelector(".dropdown-menu").classList.toggle("show", open);
    menu.querySelector(".dropdown-toggle").ariaExpanded = open;
  };
  for (const menu of all(".article-header-buttons .dropdown")) {
    const button = menu.querySelector(".dropdown-toggle");
    button.addEventListener("click", () => set(menu, button.ariaExpanded !== "true"));
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        set(menu, false);
        button.focus();
      }
    });
    menu.addEventListener("focusout", (event) => {
      if (!menu.contains(event.relatedTarget)) set(menu, false);
    });
    addEventListener("click", (event) => {
      if (!menu.contains(event.target)) set(menu, false);
    });
  }
}

// Where one is, in the list of the page's sections ----------------------------------------------------------------------
later(() => {
  const links = new Map();
  for (const link of all("#pst-page-toc-nav a")) {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    const heading = section?.querySelector("h1, h2, h3, h4");
    if (heading) links.set(heading, link);
  }
  const watch = new IntersectionObserver(
    (entries) => {
      const seen = entries.filter((entry) => entry.isIntersecting).pop();
      if (!seen) return;
      for (const link of links.values()) {
        link.classList.toggle("active", link === links.get(seen.target));
        link.ariaCurrent = link === links.get(seen.target) ? "true" : null;
      }
    },
    { rootMargin: "0px 0px -70% 0px" },
  );
  for (const heading of links.keys()) watch.observe(heading);
});

// A box that scrolls sideways must be reachable from the keyboard, and only such a box ----------------------------------
// Which ones scroll depends on the width of the window. Boxes far from the window are not even laid out yet (book.css), so
// each is looked at when its section comes near.
later(() => {
  const boxes = all(
    ".math-scroll, .derivation > .container, pre, .pst-scrollable-table-container, .cell_output .output, .ledger li span.math",
  );
  const watch = new IntersectionObserver(
    (entries) => {
      const seen = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
      const wide = seen.map((box) => box.scrollWidth > box.clientWidth + 1); // all reading before all writing
      seen.forEach((box, number) => {
        if (wide[number]) box.tabIndex = 0;
        else if (box.tabIndex === 0) box.removeAttribute("tabindex");
      });
    },
    { rootMargin: "100000px" }, // the whole page, as far as it is laid out
  );
  const look = () => {
    watch.disconnect();
    for (const box of boxes) watch.observe(box);
  };
  look();
  document.fonts.ready.then(look);
  addEventListener("resize", look);
});

// Copy the code, without prompts and without what it printed ------------------------------------------------------------
later(() => {
  for (const pre of all("div.highlight > pre")) {
    const button = document.createElement("button");
    button.className = "copybtn";
    button.type = "button";
    button.ariaLabel = button.title = "Copy the code";
    button.addEventListener("click", async () => {
      const code = pre.cloneNode(true);
      if (code.querySelector(".gp")) all(".go, .gt, .gr", code).forEach((printed) => printed.remove());
      all(".gp, .linenos", code).forEach((prompt) => prompt.remove());
      await navigator.clipboard.writeText(code.textContent.trimEnd());
      button.classList.add("success");
      setTimeout(() => button.classList.remove("success"), 1500);
    });
    pre.parentElement.append(button);
  }
});

// A printed page shows what is folded -----------------------------------------------------------------------------------
{
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
  });
}
