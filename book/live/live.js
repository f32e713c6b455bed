// Live cells and the exercises "Your turn". Until the reader asks, this only shows the buttons; then it loads Python
// (worker.js), KaTeX and a Markdown reader, all from this site. There is one Python for everything on a page.
(() => {
  "use strict";
  const script = document.currentScript;
  const facts = JSON.parse(script.dataset.facts); // bytes, compressed: verify, cells, more; and the address of the notebook
  const address = (name) => new URL(name + new URL(script.src).search, script.src).href;
  const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  const LIMIT = 10; // seconds for one answer

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") {
        element.addEventListener(name, value);
      } else if (value !== false) {
        element.setAttribute(name, value === true ? "" : value);
      }
    }
    element.append(...children);
    return element;
  };
  const button = (text, click, attributes = {}) => make("button", {type: "button", class: "live-button", click, ...attributes}, text);

  // --- Python ---------------------------------------------------------------------------------------------------------------

  const python = {
    worker: null, ready: false, received: 0, total: 0, running: null, asked: 0, open: new Map(),

    // Send a message and promise its answer. A limit in seconds counts from the moment Python turns to it.
    ask(message, {output, limit} = {}) {
      if (!this.worker) {
        this.begin(message.load?.length ? facts.cells : facts.verify);
      }
      const id = ++this.asked;
      return new Promise((resolve, reject) => {
        this.open.set(id, {resolve, reject, output, limit});
        this.worker.postMessage({...message, id});
        bar.show();
      });
    },

    begin(total) {
      const worker = new Worker(address("worker.js"), {type: "module"});
      Object.assign(this, {worker, received: 0, total});
      worker.onmessage = ({data}) => worker === this.worker && this.hear(data); // what an ended one still says comes too late
      this.worker.onerror = (event) => this.end(`Python could not be started (${event.message || "the browser does not say why"}).`);
    },

    hear({received, id, begun, output, done, failed}) {
      if (received !== undefined) {
        this.received = received;
        return bar.show();
      }
      const one = this.open.get(id);
      if (!one) {
        return; // what Python prints while it starts belongs to no cell
      }
      if (begun) {
        this.ready = true;
        this.running = id;
        if (one.limit) {
          one.timer = setTimeout(() => {
            this.end(`Stopped after ${one.limit} seconds.`);
            this.ask({load: []}).catch(() => {});
          }, 1000 * one.limit);
        }
      } else if (output) {
        one.output?.(output);
      } else {
        clearTimeout(one.timer);
        this.open.delete(id);
        this.running = null;
        if (failed === undefined) {
          one.resolve(done);
        } else if (this.ready) {
          one.reject(new Error(failed));
        } else {
          const why = `Python could not be started: ${failed.trim().split("\n").pop()}`;
          one.reject(new Error(why));
          this.end(why);
        }
      }
      bar.show();
    },

    // The only way to stop a calculation: the worker goes, and with it every variable.
    end(why) {
      this.worker?.terminate();
      const open = [...this.open.values()];
      Object.assign(this, {worker: null, ready: false, running: null, open: new Map()});
      for (const one of open) {
        clearTimeout(one.timer);
        one.reject(new Error(why));
      }
      cells.forEach((cell) => cell.forget());
      bar.show(why);
    },
  };

  // --- The bar at the lower edge: what Python does, and how to stop it --------------------------------------------------------

  const bar = {
    build() {
      this.status = make("span", {role: "status"});
      this.numbers = make("span", {class: "live-numbers"});
      this.progress = make("progress", {"aria-label": "Loading Python", max: 1});
      this.all = button("Run all", () => runUpTo(cells.length));
      this.stop = button("Stop", () => python.end("Stopped. The variables are gone; “Run all above” sets them again."));
      this.cancel = button("Cancel", () => {
        python.end("Cancelled.");
        switchOff();
      });
      this.off = button("Switch off", () => {
        python.end("");
        switchOff();
      });
      this.box = make("div", {class: "live-bar", role: "region", "aria-label": "Python in this page"},
        this.status, this.progress, this.numbers, make("span", {class: "live-buttons"}, this.all, this.stop, this.cancel, this.off));
      document.body.append(this.box);
    },

    show(text) {
      if (!this.box) {
        this.build();
      }
      document.body.classList.toggle("live-started", python.worker !== null);
      const loading = python.worker && !python.ready, busy = python.ready && python.open.size > 0;
      const arrived = python.received > 0.985 * python.total;
      this.box.hidden = !python.worker && !live && !text;
      this.progress.hidden = this.numbers.hidden = this.cancel.hidden = !loading;
      this.stop.hidden = !busy;
      this.off.hidden = loading || !(live || python.ready);
      this.all.hidden = loading || busy || !live;
      if (loading) {
        if (arrived) {
          this.progress.removeAttribute("value");
        } else {
          this.progress.value = python.received / python.total;
        }
        this.numbers.textContent = `${megabytes(Math.min(python.received, python.total))} of ${megabytes(python.total)} MB`;
      }
      const now = text ?? (loading ? (arrived ? "Starting Python …" : "Loading Python") : busy ? "Running …" : python.ready ? "Python is ready." : null);
      if (now !== null && now !== this.status.textContent) {
        this.status.textContent = now;
      }
    },
  };

  // --- Formulas and Markdown ------------------------------------------------------------------------------------------------

  let libraries;
  const loadLibraries = () => libraries ??= Promise.all([
    // The page's own sheet has only those rules for formulas that the page itself uses; all of them go before it.
    new Promise((resolve) => document.head.prepend(make("link", {
      rel: "stylesheet", href: new URL("../_static/katex/katex.min.css", script.src).href, load: resolve, error: resolve}))),
    new Promise((resolve, reject) => document.head.append(make("script", {src: address("katex.min.js"), load: resolve, error: reject}))),
    import(address("marked.esm.js")).then(({marked}) => {
      marked.use({extensions: [{
        name: "formula", level: "inline",
        start: (text) => text.indexOf("$"),
        tokenizer: (text) => {
          const found = /^\$([^$\n]+)\$/.exec(text);
          return found ? {type: "formula", raw: found[0], latex: found[1]} : undefined;
        },
        renderer: (token) => `<span class="math">${formula(token.latex, false)}</span>`,
      }]});
      return marked;
    }),
  ]).then(([, , marked]) => marked).catch((error) => {
    libraries = undefined; // who asks next tries again
    throw error;
  });

  const formula = (latex, displayMode) => katex.renderToString(latex, {displayMode, throwOnError: false, strict: false});
  const box = (className, html) => {
    const element = make("div", {class: className});
    element.innerHTML = html;
    return element;
  };

  // A derivation, laid out as book/_ext/derivation_grid.py does it: each reason beside its line, or below it on a phone.
  const BLOCK = /^\s*\\begin\{array\}\{l\}\n\\begin\{aligned\}\n([^]*?)\n\\end\{aligned\}([^]*)\n\\end\{array\}\s*$/;
  const escape = (text) => text.replace(/[&<>]/g, (sign) => ({"&": "&amp;", "<": "&lt;", ">": "&gt;"})[sign]);
  const display = (latex) => `<span class="math">${formula(`\\displaystyle ${latex.trim()}`, false)}</span>`;
  const prose = (latex) => [...latex.matchAll(/\\text\{((?:[^{}\\]|\\.)*)\}|((?:(?!\\text\{)[^])+)/g)]
    .map(([, text, rest]) => text !== undefined ? escape(text.replace(/\\([%&#_${}])/g, "$1")) : rest.trim() ? display(rest) : "").join("");

  function derivation([, rows, notes]) {
    const grid = make("div", {class: "derivation output text_latex docutils container"});
    const add = (name, html) => grid.append(box(`derivation-${name} docutils container`, html));
    for (const row of rows.split(" \\\\\n")) {
      const [, left, right, reason] = /^([^]*?)&([^]*?)(?: && ([^]*))?$/.exec(row);
      const formulaRight = display(right.replace("\\quad", ""));
      if (left.trim()) {
        add("left", display(left));
      }
      add(reason === undefined ? "start" : "right", formulaRight);
      if (reason !== undefined) {
        add("reason", prose(reason));
      }
    }
    for (const note of notes.split(" \\\\[4pt]\n\\small ").slice(1)) {
      if (note.startsWith("\\checkmark\\ ")) {
        add("stamp", `<span aria-hidden="true">✓</span> ${prose(note.slice("\\checkmark\\ ".length))}`);
      } else {
        add("note", note.split(",\\quad ").map(prose).join(", "));
      }
    }
    return grid;
  }

  function latexBox(text) {
    const latex = text.trim().replace(/^\$+|\$+$/g, "");
    const block = BLOCK.exec(latex);
    return block ? derivation(block) : box("output text_latex", `<div class="math"><div class="math-scroll">${formula(latex, true)}</div></div>`);
  }

  function markdownBox(marked, text) {
    const result = box("output text_markdown", marked.parse(text));
    for (const table of result.querySelectorAll("table")) {
      table.className = "table";
      const scroll = make("div", {class: "pst-scrollable-table-container"});
      table.replaceWith(scroll);
      scroll.append(table);
    }
    for (const code of result.querySelectorAll("pre > code")) {
      code.parentNode.replaceWith(codeBox(highlight(code.textContent)));
    }
    return result;
  }

  const codeBox = (html, className = "") => box(`highlight-python notranslate ${className}`, `<div class="highlight"><pre>${html}</pre></div>`);

  // Python's words in the classes that the page's own style sheet knows.
  const TOKENS = new RegExp([
    /(?<c1>#.*)/, /(?<s2>[rbfuRBFU]{0,2}(?:"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))/,
    /(?<mi>\b\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?j?\b)/,
    /(?<kc>\b(?:True|False|None)\b)/, /(?<ow>\b(?:and|or|not|in|is)\b)/, /(?<kn>\b(?:import|from)\b)/,
    /(?<k>\b(?:as|assert|break|class|continue|def|del|elif|else|except|finally|for|global|if|lambda|nonlocal|pass|raise|return|try|while|with|yield)\b)/,
    /(?<nb>\b(?:abs|all|any|dict|enumerate|float|int|isinstance|len|list|map|max|min|print|range|repr|round|set|sorted|str|sum|tuple|type|zip)\b)/,
    /(?<o>[-+*/%@<>=!&|^~]+)/,
  ].map((part) => part.source).join("|"), "g");

  function highlight(code) {
    let html = "", at = 0;
    for (const token of code.matchAll(TOKENS)) {
      const [name] = Object.entries(token.groups).find(([, text]) => text !== undefined);
      html += `${escape(code.slice(at, token.index))}<span class="${name}">${escape(token[0])}</span>`;
      at = token.index + token[0].length;
    }
    return html + escape(code.slice(at));
  }

  // --- Cells ----------------------------------------------------------------------------------------------------------------

  let live = false;

  class Cell {
    constructor(element, number) {
      Object.assign(this, {element, number, ran: false, edited: false});
      this.input = element.querySelector(".cell_input");
      this.pre = this.input.querySelector("pre");
    }

    get code() {
      return this.editor ? this.editor.value : this.storedCode;
    }

    open() {
      this.storedCode ??= this.pre.textContent.replace(/\n$/, "");
      this.storedHtml ??= this.pre.innerHTML;
      const name = `cell ${this.number}`;
      this.editor = make("textarea", {
        class: "live-editor", "aria-label": `Code of ${name}. Shift and Enter run it.`, spellcheck: "false", autocapitalize: "off",
        autocomplete: "off", wrap: "off",
        input: () => this.changed(),
        scroll: () => this.pre.scrollLeft = this.editor.scrollLeft,
        keydown: (event) => this.pressed(event),
      });
      this.editor.value = this.storedCode;
      this.pre.parentNode.classList.add("live-layers");
      this.pre.after(this.editor);
      this.runButton = button("Run", () => this.run(), {"aria-label": `Run ${name}`});
      this.above = button("Run all above", () => runUpTo(this.number - 1), {"aria-label": `Run all above ${name}`});
      this.resetButton = button("Reset", () => this.reset(), {"aria-label": `Reset ${name}`, disabled: true});
      this.note = make("span", {class: "live-note"});
      this.tools = make("div", {class: "live-tools"}, this.runButton, this.number > 1 ? this.above : "", this.resetButton, this.note);
      this.input.append(this.tools);
    }

    close() {
      this.reset();
      this.editor.remove();
      this.tools.remove();
      this.editor = null;
      this.pre.parentNode.classList.remove("live-layers");
    }

    changed() {
      this.edited = this.editor.value !== this.storedCode;
      // A last line that is empty needs something in it to take up its height.
      this.pre.innerHTML = this.edited ? highlight(this.editor.value).replace(/\n?$/, "\n") + (/(^|\n)$/.test(this.editor.value) ? " \n" : "") : this.storedHtml;
      this.resetButton.disabled = !this.edited && !this.output;
      this.element.classList.toggle("live-edited", this.edited);
    }

    pressed(event) {
      if (event.key !== "Enter") {
        return;
      }
      if (event.shiftKey || event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.run();
        return;
      }
      const line = this.editor.value.slice(0, this.editor.selectionStart).split("\n").pop();
      const indent = /^ */.exec(line)[0] + (/:\s*$/.test(line) ? "    " : "");
      if (indent) {
        event.preventDefault();
        document.execCommand("insertText", false, `\n${indent}`); // so that undo works
      }
    }

    async run() {
      if (this.element.classList.contains("live-running")) {
        return false; // what it prints from now on would be taken for the output of the second run
      }
      this.clear();
      if (!this.element.querySelector(".turn")) {
        this.place();
      }
      this.element.classList.add("live-running");
      this.note.textContent = "running …";
      const began = performance.now();
      let good = true;
      try {
        const marked = await loadLibraries();
        await python.ask({run: this.code, name: `<cell ${this.number}>`}, {output: (output) => {
          good &&= output.error === undefined;
          if (!output.data?.["application/vnd.lrmath.exercise+json"]) { // its form is on the page already
            this.add(output, marked);
          }
        }});
        this.ran = good;
        this.note.textContent = good ? `ran in ${((performance.now() - began) / 1000).toFixed(1)} s` : "stopped with an error";
      } catch (error) {
        good = false;
        this.note.textContent = error.message;
      }
      this.element.classList.remove("live-running");
      if (this.editor) {
        bar.status.textContent = `Cell ${this.number} ${this.note.textContent}`;
        this.resetButton.disabled = false;
        dispatchEvent(new Event("resize")); // book.js makes what scrolls reachable from the keyboard
      }
      return good;
    }

    // Where live output goes: in place of the stored one, inside its figure if there is one, so that the caption stays.
    place() {
      let holder = this.element.querySelector(":scope > .cell_output, :scope > details > .cell_output");
      if (!holder) {
        holder = this.madeHolder = make("div", {class: "cell_output docutils container"});
        this.element.append(holder);
      }
      const figure = holder.querySelector("figure");
      this.hidden = [...holder.children].filter((child) => !child.contains(figure) && !child.hidden);
      if (figure) {
        this.hidden.push(...[...figure.children].filter((child) => child.tagName !== "FIGCAPTION"));
      }
      this.image = holder.querySelector("img");
      this.hidden.forEach((child) => child.hidden = true);
      this.output = make("div", {class: "live-output"});
      (figure ?? holder).prepend(this.output);
    }

    clear() {
      this.output?.remove();
      this.hidden?.forEach((child) => child.hidden = false);
      this.madeHolder?.remove();
      this.output = this.hidden = this.madeHolder = null;
    }

    reset() {
      this.clear();
      this.editor.value = this.storedCode;
      this.changed();
      this.note.textContent = "";
    }

    // Python ended: no cell of the page counts as run.
    forget() {
      this.ran = false;
    }

    add(output, marked) {
      if (!this.output) {
        this.output = make("div", {class: "live-output"});
        this.element.append(this.output);
      }
      if (output.stream) {
        const last = this.output.lastElementChild;
        const pre = last?.dataset.stream === output.stream ? last.querySelector("pre") : null;
        if (pre) {
          pre.append(output.text);
        } else {
          const block = codeBox(escape(output.text), `output stream ${output.stream}`);
          block.dataset.stream = output.stream;
          this.output.append(block);
        }
      } else if (output.error) {
        this.output.append(codeBox(escape(output.error), "output traceback"));
        if (/^NameError/m.test(output.error) && cells.slice(0, this.number - 1).some((cell) => !cell.ran)) {
          this.output.append(make("p", {class: "live-hint"}, "A cell above defines this name and has not run yet. “Run all above” does it."));
        }
      } else {
        this.output.append(this.drawn(output.data, marked));
      }
    }

    drawn(data, marked) {
      for (const kind of ["image/svg+xml", "image/png"]) {
        if (data[kind]) {
          const source = kind === "image/png" ? `data:image/png;base64,${data[kind]}`
            : `data:image/svg+xml;charset=utf-8,${encodeURIComponent(data[kind])}`;
          const alt = this.edited || !this.image ? `Figure drawn by cell ${this.number}` : this.image.alt;
          return make("img", {src: source, alt});
        }
      }
      return data["text/html"] ? box("output text_html", data["text/html"])
        : data["text/markdown"] ? markdownBox(marked, data["text/markdown"])
        : data["text/latex"] ? latexBox(data["text/latex"])
        : codeBox(escape(data["text/plain"]), "output text_plain");
    }
  }

  const cells = [...document.querySelectorAll("div.cell")]
    .filter((element) => element.querySelector(".cell_input pre"))
    .map((element, index) => new Cell(element, index + 1));

  async function runUpTo(count) {
    for (const cell of cells.slice(0, count)) {
      if (!live || !await cell.run()) {
        return;
      }
    }
  }

  function switchOn() {
    live = true;
    cells.forEach((cell) => cell.open());
    switcher.hidden = true;
    bar.show();
    loadLibraries().catch(() => {});
    // All that the page draws with, so that one number says how much there is.
    python.ask({load: facts.packages}).then(() => cells[0].editor?.focus({preventScroll: true}), () => {}); // the bar says why
  }

  function switchOff() {
    if (live) {
      live = false;
      cells.forEach((cell) => cell.close());
      switcher.hidden = false;
      switcher.querySelector("button").focus({preventScroll: true});
    }
    bar.show();
  }

  const able = location.protocol.startsWith("http") && typeof WebAssembly === "object" && typeof Worker === "function";
  const switcher = document.querySelector(".live-switch");
  const size = `${megabytes(facts.cells)} MB`;
  if (able) {
    switcher.append(
      button("Run the code on this page", switchOn),
      make("span", {}, `Loads Python once, ${size}`, facts.more ? `, and ${megabytes(facts.more)} MB more in a cell that uses SciPy` : "",
        "; then you can change every cell. Nothing is sent anywhere."),
    );
  } else {
    switcher.append(make("span", {},
      location.protocol === "file:" ? "The code runs in the page when a web server shows it, for example “make serve”. "
        : "This browser cannot run the code in the page, because it has no WebAssembly. ",
      make("a", {href: facts.notebook}, "The chapter as a notebook"), " runs in Jupyter."));
  }

  // --- Your turn ------------------------------------------------------------------------------------------------------------

  const SIGNS = {proved: '<span aria-hidden="true">✓</span> ', wrong: '<span aria-hidden="true">✗</span> '};
  // HTML with formulas between \\( and \\), as lrmath.verify.judge writes it.
  const typeset = (html) => html.replace(/\\\(([^]*?)\\\)/g, (_, latex) => formula(box("", latex).textContent, false));

  function exercise(element) {
    const spec = JSON.parse(element.dataset.spec);
    const place = element.querySelector(".turn-form");
    const name = `${element.id}-answer`;
    let timer, asked = 0;
    const input = make("input", {
      id: name, type: "text", maxlength: 500, placeholder: element.dataset.names, autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-describedby": `${name}-verdict`,
      input: () => {
        verdict.replaceChildren();
        clearTimeout(timer);
        timer = setTimeout(preview, 250);
      },
    });
    const seen = make("div", {class: "turn-preview"});
    const verdict = make("div", {id: `${name}-verdict`, class: "turn-verdict", role: "status"});
    const check = make("button", {type: "submit", class: "live-button"}, "Check");
    const starter = make("p", {class: "turn-start"},
      button("Start", () => begin().catch(() => {})), ` loads the checker, ${megabytes(facts.verify)} MB; then your answer is set as a formula while you type. “Check” starts it as well.`);
    place.append(make("form", {submit: (event) => {
      event.preventDefault();
      judge();
    }}, make("label", {for: name}, "Your answer"), make("div", {class: "turn-line"}, input, check), seen, starter, verdict));

    const begin = () => {
      loadLibraries();
      return python.ask({load: []}).then(preview);
    };

    async function preview() {
      const text = input.value.trim(), mine = ++asked;
      if (!text || !python.ready) {
        seen.replaceChildren();
        return;
      }
      await loadLibraries();
      let shown;
      try {
        const answer = await python.ask({call: "preview", arguments: [spec, text]}, {limit: LIMIT});
        shown = answer.latex ? box("", formula(answer.latex, true)) : box("turn-unread", answer.error);
      } catch (error) {
        shown = box("turn-unread", escape(error.message));
      }
      if (mine === asked) {
        seen.replaceChildren(shown);
      }
    }

    async function judge() {
      const text = input.value.trim();
      if (!text) {
        say("unreadable", "Type an expression first.");
        input.focus();
        return;
      }
      check.disabled = true;
      say("waiting", python.ready ? "Checking …" : "Loading the checker …");
      try {
        await loadLibraries();
        if (!python.ready) {
          await begin();
        }
        const answer = await python.ask({call: "judge", arguments: [spec, text]}, {limit: LIMIT});
        say(answer.verdict, typeset(answer.message), answer);
      } catch (error) {
        say("unreadable", error.message.startsWith("Stopped after")
          ? `No verdict after ${LIMIT} seconds, so the checker was stopped and starts again. Try a simpler form of your answer.` : escape(error.message));
      }
      check.disabled = false;
    }

    function say(kind, html, {latex, hint} = {}) {
      verdict.dataset.verdict = kind;
      verdict.replaceChildren(box("turn-said", `${SIGNS[kind] ?? ""}${html}${hint ? ` ${typeset(hint)}` : ""}`));
      if (latex) {
        verdict.append(box("math math-scroll", formula(latex, true)));
      }
    }

    // Hints one by one, then the solution.
    const folds = [...element.querySelectorAll("details")];
    folds.forEach((fold, index) => {
      fold.hidden = index > 0;
      fold.addEventListener("toggle", () => folds[index + 1] && (folds[index + 1].hidden &&= !fold.open));
    });
  }

  // A form is made when the reader comes near: browsers look at new fields at once, and lay out for it what nobody sees yet.
  if (able) {
    const watch = new IntersectionObserver((entries) => {
      for (const {target} of entries.filter((entry) => entry.isIntersecting)) {
        watch.unobserve(target);
        exercise(target);
      }
    }, {rootMargin: "1200px"});
    document.querySelectorAll(".turn[data-spec]").forEach((element) => watch.observe(element));
  }
})();
