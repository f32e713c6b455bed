"""Build the book as a PDF, check it, and only then put it in its place: dist/logistic-regression-line-by-line.pdf.

    python book/make_pdf.py

Sphinx writes LaTeX (book/_ext/pdf.py), rsvg-convert turns the figures into PDF, XeLaTeX sets the pages. Then
tests/test_pdf.py reads the log and the pages. A PDF that fails is not published, and the one from before stays.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "_build" / "pdf"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

# What is needed, how to ask for it, and the Debian package that brings it.
PROGRAMS = {"xelatex": "texlive-xetex", "latexmk": "latexmk", "rsvg-convert": "librsvg2-bin", "pdffonts": "poppler-utils",
            "kpsewhich": "texlive-base", "fc-list": "fontconfig"}
FILES = {"unicode-math.sty": "texlive-latex-recommended", "titlesec.sty": "texlive-latex-extra", "tcolorbox.sty": "texlive-latex-extra",
         "pgf.sty": "texlive-pictures", "pzdr.tfm": "texlive-fonts-recommended", "texgyrepagella-regular.otf": "fonts-texgyre",
         "texgyreheros-regular.otf": "fonts-texgyre", "texgyrepagella-math.otf": "fonts-texgyre-math"}
FONTS = {"DejaVu Sans Mono": "fonts-dejavu-core"}


def missing():
    """What is not on this machine, each with the package that brings it."""
    lacking = {name: package for name, package in PROGRAMS.items() if not shutil.which(name)}
    if "kpsewhich" not in lacking:
        lacking |= {name: package for name, package in FILES.items()
                    if not subprocess.run(["kpsewhich", name], capture_output=True, text=True).stdout.strip()}
    else:
        lacking |= FILES
    if "fc-list" not in lacking:
        known = subprocess.run(["fc-list", ":", "family"], capture_output=True, text=True).stdout
        lacking |= {name: package for name, package in FONTS.items() if name not in known}
    else:
        lacking |= FONTS
    return lacking


def write_latex(output):
    """Write the .tex with all it needs, the figures as PDF, into `output`/_build/latex."""
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    subprocess.run([program, "build", str(ROOT), "--builder", "latex", "--path-output", str(output), "--all", "-W", "-n", "--keep-going"],
                   check=True)
    return output / "_build" / "latex"


def convert_figures(folder):
    figures = sorted(folder.glob("*.svg"))

    def convert(figure):
        subprocess.run(["rsvg-convert", "--format=pdf", f"--output={figure.with_suffix('.pdf')}", str(figure)], check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(convert, figures))
    for tex in folder.glob("logistic-*.tex"):
        tex.write_text(tex.read_text(encoding="utf-8").replace("}.svg}", "}.pdf}"), encoding="utf-8")


def main():
    lacking = missing()
    if lacking:
        print("The PDF needs programs that this machine lacks:", file=sys.stderr)
        for name, package in lacking.items():
            print(f"  {name:28} Debian package {package}", file=sys.stderr)
        print(f"\nInstall them with: sudo apt-get install {' '.join(sorted(set(lacking.values())))}", file=sys.stderr)
        return 1

    from pdf import NAME, PDF, sources

    before = sources()
    shutil.rmtree(WORK, ignore_errors=True)
    folder = write_latex(WORK)
    convert_figures(folder)
    print("==> Setting the pages", flush=True)
    run = subprocess.run(["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", f"{NAME}.tex"], cwd=folder,
                         capture_output=True, text=True, errors="replace")
    if run.returncode:
        print(run.stdout[-3000:], run.stderr[-2000:], f"XeLaTeX stopped. Its log: {folder / NAME}.log", sep="\n", file=sys.stderr)
        return 1
    print("==> Checking the pages", flush=True)
    gate = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", str(ROOT / "tests" / "test_pdf.py")], cwd=ROOT,
                          env={**os.environ, "LRMATH_PDF": str(folder)})
    if gate.returncode:
        print("The PDF is not published.", file=sys.stderr)
        return 1
    PDF.parent.mkdir(exist_ok=True)
    shutil.copy(folder / f"{NAME}.pdf", PDF.with_suffix(".part"))
    os.replace(PDF.with_suffix(".part"), PDF)
    # The site offers the PDF only while it is of the same sources.
    PDF.with_suffix(".sources").write_text(before + "\n", encoding="utf-8")
    print(f"\nThe book is in {PDF.relative_to(ROOT)}, {PDF.stat().st_size / 1e6:.1f} MB. `make book` puts it on the site.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
