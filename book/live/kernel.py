"""What stands in for Jupyter in the reader's browser: it runs a cell and sends what the cell shows to the page.

The chapters run here as they are, `import style` included. IPython itself is left out: with what it needs it would add
megabytes and seconds, and the chapters use six names of it. They are below, and behave as IPython's do.
"""

import ast
import base64
import io
import json
import linecache
import os
import sys
import time
import traceback
import types

LONGEST = 100_000  # characters that one cell may print; a page with more than that stands still
_send = None
_namespace = {"__name__": "__main__"}  # `display` is added below: a notebook has it without an import
_formatters = {}  # media type -> {type: function}


def start(send):
    """Take the function that carries an output, as JSON, to the page."""
    global _send
    _send = lambda output: send(json.dumps(output))
    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    import lrmath.verify  # noqa: F401  the first answer shall not wait for SymPy


def packages(code):
    """What the code imports and the page has not loaded yet, as package names; `style` draws with Matplotlib."""
    needed = {"matplotlib": "matplotlib", "style": "matplotlib", "scipy": "scipy"}
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return "[]"
    names = {n.name for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    tops = {name.split(".")[0] for name in names}
    return json.dumps([package for name, package in needed.items() if name in tops])


def call(name, arguments):
    """Call a function of lrmath.verify, with arguments and result as JSON."""
    import lrmath.verify
    return json.dumps(getattr(lrmath.verify, name)(*json.loads(arguments)))


# --- Running a cell ---------------------------------------------------------------------------------------------------------


class Stream(io.TextIOBase):
    """Standard output: sent in pieces, so that a long calculation shows its progress and a long print does not choke."""

    def __init__(self, name):
        self.name, self.pending, self.sent, self.last = name, [], 0, 0.0

    def writable(self):
        return True

    def write(self, text):
        if self.sent < LONGEST:
            room = LONGEST - self.sent
            self.sent += len(text)
            self.pending.append(text if len(text) <= room else f"{text[:room]}\n(cut here: more than {LONGEST:,} characters)\n")
            if time.monotonic() - self.last > 0.1:
                self.flush()
        return len(text)

    def flush(self):
        if self.pending:
            _send({"stream": self.name, "text": "".join(self.pending)})
            self.pending, self.last = [], time.monotonic()


def run(code, name):
    """Run a cell; show the value of its last line if that is an expression, as Jupyter does."""
    sys.stdout.sent = sys.stderr.sent = 0
    linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
    try:
        tree = ast.parse(code, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), _namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, "eval"), _namespace)
            if value is not None:
                display(value)
        if "figures" in sys.modules:
            sys.modules["figures"].show()
    except BaseException as error:
        _flush()
        _send({"error": _traceback(error)})
    finally:
        _flush()


def _flush():
    sys.stdout.flush()
    sys.stderr.flush()


def _traceback(error):
    """The traceback as Python prints it, without the lines of this file."""
    entry = error.__traceback__
    while entry is not None and entry.tb_frame.f_code.co_filename == __file__:
        entry = entry.tb_next
    return "".join(traceback.format_exception(type(error), error, entry)).rstrip()


# --- Showing a value --------------------------------------------------------------------------------------------------------


METHODS = {"_repr_svg_": "image/svg+xml", "_repr_png_": "image/png", "_repr_html_": "text/html",
           "_repr_markdown_": "text/markdown", "_repr_latex_": "text/latex"}


def bundle(value):
    """A value in every form that it has, by media type."""
    if hasattr(value, "_repr_mimebundle_"):
        data = value._repr_mimebundle_()
        return dict(data[0] if isinstance(data, tuple) else data)
    forms = {mime: function(value) for mime, functions in _formatters.items() for kind, function in functions.items()
             if isinstance(value, kind)}
    forms = forms or {mime: getattr(value, method)() for method, mime in METHODS.items() if hasattr(value, method)}
    return {"text/plain": repr(value), **{mime: form for mime, form in forms.items() if form is not None}}


def display(*values):
    for value in values:
        data = bundle(value)
        _flush()
        _send({"data": {mime: base64.b64encode(form).decode() if isinstance(form, bytes) else form for mime, form in data.items()}})


class Markdown:
    def __init__(self, data):
        self.data = data

    def _repr_markdown_(self):
        return self.data


class Image:
    def __init__(self, data):
        self.data = data

    def _repr_png_(self):
        return self.data


class Formatter:
    def __init__(self, mime):
        self.mime = mime

    def for_type(self, kind, function):
        _formatters.setdefault(self.mime, {})[kind] = function


# --- The names of IPython that the chapters use ----------------------------------------------------------------------------------------------


os.environ["MPLBACKEND"] = "module://figures"


def print_figure(*arguments, **options):
    return sys.modules["figures"].print_figure(*arguments, **options)


def _module(name, **names):
    module = sys.modules[name] = types.ModuleType(name)
    vars(module).update(names)
    return module


_svg = Formatter("image/svg+xml")
_shell = types.SimpleNamespace(
    display_formatter=types.SimpleNamespace(formatters={"image/svg+xml": _svg}),
    events=types.SimpleNamespace(register=lambda event, function: None),  # Matplotlib asks to be called after each cell; `run` does that
)
_display = _module("IPython.display", display=display, Markdown=Markdown, Image=Image)
_tools = _module("IPython.core.pylabtools", print_figure=print_figure, select_figure_formats=lambda shell, formats: None)
_core = _module("IPython.core", pylabtools=_tools)
_module("IPython", display=_display, core=_core, get_ipython=lambda: _shell, version_info=(9, 0))
_namespace["display"] = display
