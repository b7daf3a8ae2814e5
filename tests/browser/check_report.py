"""Read the report of a finished experiment as a person does, in headless Chromium.

    PYTHONPATH=scripts python tests/browser/check_report.py results/demo --screenshots shots

Every page is opened by clicks, and every figure and table that the experiment has must be shown
with its caption. The browser may read the one file and nothing else.
"""

import argparse
import base64
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Route,
    TimeoutError,
    sync_playwright,
)

from multiprune.registry import constants
from multiprune.report.opening import HEADLINE
from multiprune.tables.pages import ROWS, constant_columns

WINDOW = {"width": 1400, "height": 1000}
NARROW = {"width": 420, "height": 900}  # a phone
PAGES = ("Workflow", "Statistics", "About")  # of every report; the other entries are categories
UNRENDERED = re.compile(r"\{\{|\}\}|\{%|%\}|\bsnakemake\.|System Message")
PATIENCE = 180_000  # milliseconds that anything may take to appear; a busy machine is slow
STILL = "* { transition: none !important; }"  # or every click waits for the menu to move
LOADED = """() => new Promise(done =>
  document.readyState === "complete" ? done() : addEventListener("load", () => done()))"""
DECODED = """image => image.decode().then(
  () => image.naturalWidth > 0 && image.naturalHeight > 0, () => false)"""
REACHED = """([menu, shown, whole]) => {
  const edge = menu.getBoundingClientRect().right, box = shown.getBoundingClientRect();
  const beside = box.left >= edge - 1, below = box.top >= menu.getBoundingClientRect().bottom - 1;
  return (beside || below) && box.right <= innerWidth && box.top >= 0
    && (box.bottom <= innerHeight || !whole);
}"""
FITS = "() => document.documentElement.scrollWidth <= innerWidth"
INK = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  .data.some((value, index) => index % 4 === 3 && value > 0)"""


def missing() -> str:
    """Why no browser can be started here, or nothing."""
    found = shutil.which("chromium")
    return "" if found else "Chromium is not installed (.ci/install-packages installs it)"


@contextmanager
def started() -> Iterator[Browser]:
    """Debian's Chromium, without a window and without a name service."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--host-resolver-rules=MAP * ~NOTFOUND"],
        )


def examine(browser: Browser, folder: Path, screenshots: Path | None = None) -> list[str]:
    """What is wrong with `report.html` of an experiment's folder, a line each."""
    with browser.new_context(viewport=WINDOW) as context:
        context.set_default_timeout(PATIENCE)
        reader = Reader(context.new_page(), folder, screenshots)
        try:
            reader.read()
        except Error as error:  # what should be there to be clicked or read is not
            reader.problems.append(f"{reader.place}: {error.message.splitlines()[0]}")
        return reader.problems


def watch(page: Page, report: str, problems: list[str]) -> None:
    """Note errors in the console, requests that fail, and each that is not for the report."""

    def admit(route: Route) -> None:
        if route.request.url == report:
            route.continue_()
        else:
            problems.append(f"the report asks for {route.request.url[:100]}")
            route.abort()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"error in the console: {message.text}")

    page.route(re.compile(r"^(?!data:|blob:)"), admit)
    page.on("websocket", lambda socket: problems.append(f"the report connects to {socket.url}"))
    page.on("pageerror", lambda error: problems.append(f"error in a script: {error.message}"))
    page.on("requestfailed", lambda request: problems.append(f"no answer: {request.url[:100]}"))
    page.on("console", note)


class Reader:
    """One report in one window; `problems` grows while it is read."""

    def __init__(self, page: Page, folder: Path, screenshots: Path | None):
        self.page = page
        self.folder = folder
        self.screenshots = screenshots
        self.problems: list[str] = []
        self.place = "report"
        self.menu = page.locator("nav.h-screen")
        self.content = page.locator("div.h-screen.items-center")

    def read(self) -> None:
        """The front page, the pages of every report, then all results."""
        address = (self.folder / "report.html").absolute().as_uri()
        watch(self.page, address, self.problems)
        self.page.goto(address)
        self.page.add_style_tag(content=STILL)
        self.front_page()
        self.workflow()
        self.statistics()
        self.about()
        self.results()

    def front_page(self) -> None:
        """Results, their origin, and a row for each measured claim; in a narrow window, too."""
        self.place = "front page"
        text = self.content.locator(".prose")
        self.expect(self.folder.name in text.locator("h1.title").inner_text(), "no title")
        self.expect(not UNRENDERED.search(text.inner_text()), "holds a template's text")
        self.expect(text.locator(".system-message").count() == 0, "holds an error of docutils")
        self.expect(self.page.title().startswith(self.folder.name), "the tab has no title")
        self.results_first(text)
        claims = pd.read_csv(self.folder / "tables/claims.csv")
        measured = int((claims["verdict"] != "not measured").sum())
        self.expect(text.locator("tbody tr").count() == measured, "not a row for each claim")
        for name, window in (("narrow", NARROW), ("wide", WINDOW)):
            self.page.set_viewport_size(window)
            self.reached(text)
            self.picture(f"front-{name}")

    def results_first(self, text: Locator) -> None:
        """Findings, then the figure that compares the methods, then where they are from."""
        written = (self.folder / "captions/findings.rst").read_text(encoding="utf-8")
        findings = [squeezed(unescaped(line)) for line in written.split("- ", 1)[1].split("\n- ")]
        shown = [
            squeezed(item) for item in text.locator("ul").first.locator("li").all_inner_texts()
        ]
        self.expect(len(findings) > 1 and shown == findings, "does not begin with the findings")
        figures = sorted(self.folder.glob(f"figures/{HEADLINE}-*.png"))
        images = text.locator("img.headline").all()
        self.expect(len(images) == len(figures) > 0, "not a figure for each model")
        for image, figure in zip(images, figures, strict=False):
            self.expect(image.evaluate(DECODED), "its figure cannot be shown")
            source = "".join(image.get_attribute("src").split())
            self.expect(embedded(source) == figure.read_bytes(), "another figure")
            self.expect(len(image.get_attribute("alt")) > 40, "its figure has no text beside it")
        box = text.locator(".provenance").inner_text()
        for subject in ("Machine", "Duration", "Text", "Calibration", "Versions"):
            self.expect(f"{subject}: " in box, f"does not say {subject}")

    def workflow(self) -> None:
        """The graph of rules."""
        self.place = "page Workflow"
        self.click("Workflow")
        self.drawn("#rulegraph canvas")
        self.picture("workflow")

    def statistics(self) -> None:
        """When jobs ran, and how long."""
        self.place = "page Statistics"
        self.click("Statistics")
        for plot in ("#runtimes canvas", "#timeline canvas"):
            self.drawn(plot)
        self.picture("statistics")

    def about(self) -> None:
        """The licences of what the report is made with."""
        self.place = "page About"
        self.click("About")
        self.menu.locator("li a").filter(has_text="snakemake").first.click()
        self.expect("Copyright" in self.content.locator("pre").inner_text(), "no licence")
        self.picture("about")

    def results(self) -> None:
        """All categories; together they hold exactly what the experiment's folder holds."""
        self.place = "results"
        self.home()
        entries = self.menu.locator("ul a").all_inner_texts()
        found = [path for name in entries if name not in PAGES for path in self.category([name])]
        wanted = expected(self.folder)
        self.place = "report"
        for path in sorted(wanted - set(found)):
            self.expect(False, f"{path} is missing")
        for path in sorted(set(found) - wanted):
            self.expect(False, f"{path} does not stand in the folder")
        for kind in ("figures", "tables"):
            self.expect(any(f"/{kind}/" in path for path in found), f"no {kind}")
        self.expect(len(set(found)) == len(found), "a result stands there twice")

    def category(self, way: list[str]) -> list[str]:
        """Paths of all results below menu entries; a category may have subcategories."""
        self.place = " > ".join(way)
        self.go(way)
        rows = self.menu.locator("tbody tr")
        if not rows.count():
            below = self.menu.locator("ul a").all_inner_texts()
            return [path for name in below for path in self.category([*way, name])]
        self.picture("-".join(["menu", *way]))
        numbers = [text.split()[0] for text in rows.locator("td:first-child").all_inner_texts()]
        counted = [str(number + 1) for number in range(rows.count())]
        self.expect(numbers == counted, f"entries stand as {' '.join(numbers)}")
        paths = []
        for index in range(rows.count()):
            self.go(way)
            paths.append(self.result(rows.nth(index)))
        return paths

    def result(self, row: Locator) -> str:
        """Open a result and what is said of it; return its path."""
        view, information = row.locator("a").all()
        view.click()
        information.click()
        path = self.menu.locator("nav li").filter(has_text="results/").inner_text()
        self.place = path
        name = Path(path).stem
        if path.endswith(".png"):
            self.figure(self.folder / "figures" / Path(path).name)
        else:
            self.table(self.folder / "tables" / f"{name}.csv")
        self.caption(self.folder / "captions" / f"{name}.rst")
        self.picture(name)
        self.menu.locator("li span > a").last.click()
        self.expect(self.menu.locator(".source").inner_text().strip() != "", "no code of its rule")
        return path

    def figure(self, file: Path) -> None:
        """The picture that lies in the folder, whole and inside the window."""
        image = self.content.locator("img")
        self.expect(image.evaluate(DECODED), "the picture cannot be shown")
        self.expect(embedded(image.get_attribute("src")) == file.read_bytes(), "another picture")
        self.reached(image, whole=True)

    def table(self, file: Path) -> None:
        """What the CSV in the folder holds, each column that pages show, and a link to all of it.

        The page fits into both windows; what is wider scrolls in its own box.
        """
        frame = self.content.frame_locator("iframe")
        frame.locator("thead").wait_for()
        frame.locator("body").evaluate(LOADED)
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
        table = table[constants("tables", file.stem).get("ON_PAGE", list(table))]
        header = frame.locator("th").all_inner_texts()
        same = constant_columns(table)
        self.expect(header == list(table.columns.drop(same)), f"columns {header}")
        said = frame.locator("body").inner_text()
        unsaid = [n for n in same if f"{n} = " not in said and f"{n} is empty" not in said]
        self.expect(not unsaid, f"does not say {', '.join(unsaid)}")
        rows = frame.locator("tbody tr").count()
        self.expect(rows == min(len(table), ROWS), f"{rows} rows of {len(table)}")
        for name, window in (("narrow", NARROW), ("wide", WINDOW)):
            self.page.set_viewport_size(window)
            self.expect(frame.locator("body").evaluate(FITS), f"wider than a {name} window")
        link = frame.locator("a[download]").get_attribute("href")
        self.expect(embedded(link) == file.read_bytes(), "the link holds another table")

    def caption(self, written: Path) -> None:
        """Something is said, nothing is left of the template; of a figure, what its job wrote."""
        caption = self.menu.locator(".prose")
        if not caption.count() or not (said := squeezed(caption.inner_text())):
            self.problems.append(f"{self.place}: no caption")
            return
        self.expect(not UNRENDERED.search(said), "the caption holds a template's text")
        self.expect(caption.locator(".system-message").count() == 0, "the caption has an error")
        if written.is_file() and self.place.endswith(".png"):
            text = unescaped(written.read_text(encoding="utf-8"))
            self.expect(said == squeezed(text), "another caption")

    def home(self) -> None:
        self.menu.locator("nav a").first.click()

    def go(self, way: list[str]) -> None:
        """From the front page through entries of the menu."""
        self.home()
        for name in way:
            self.click(name)

    def click(self, name: str) -> None:
        self.menu.get_by_role("link", name=name, exact=True).click()

    def drawn(self, canvas: str) -> None:
        """A plot that is not empty."""
        self.holds(INK, self.content.locator(canvas).element_handle(), f"{canvas} is empty")

    def reached(self, shown: Locator, whole: bool = False) -> None:
        """It lies beside the menu, begins and (`whole`) ends inside the window."""
        arguments = [self.menu.element_handle(), shown.element_handle(), whole]
        self.holds(REACHED, arguments, "lies under the menu or outside the window")

    def holds(self, condition: str, arguments: object, problem: str) -> None:
        """A condition in JavaScript comes true while the page is being drawn."""
        try:
            self.page.wait_for_function(condition, arg=arguments)
        except TimeoutError:
            self.expect(False, problem)

    def expect(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(f"{self.place}: {problem}")

    def picture(self, name: str) -> None:
        if self.screenshots:
            self.page.screenshot(path=self.screenshots / f"{name}.png")


def expected(folder: Path) -> set[str]:
    """Paths in the report of the figures and tables that an experiment has."""
    figures = [f"figures/{path.name}" for path in folder.glob("figures/*.png")]
    tables = [f"tables/{path.stem}.html" for path in folder.glob("tables/*.csv")]
    return {f"results/{folder.name}/{name}" for name in (*figures, *tables)}


def embedded(address: str) -> bytes:
    """The content of a data: address."""
    return base64.b64decode(address.split(";base64,", 1)[1])


def unescaped(text: str) -> str:
    """The text that reStructuredText without markup stands for."""
    return re.sub(r"\\(.)", r"\1", text)


def squeezed(text: str) -> str:
    """Text with single spaces."""
    return " ".join(text.split())


def main() -> None:
    """Print what is wrong and exit with 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="results/<experiment>")
    parser.add_argument("--screenshots", type=Path, help="folder for a picture of every page")
    options = parser.parse_args()
    if reason := missing():
        sys.exit(reason)
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    with started() as browser:
        problems = examine(browser, options.folder, options.screenshots)
    for problem in problems:
        print(f"FAILED {problem}")
    if not problems:
        print(f"ok     front page, {len(expected(options.folder))} figures and tables")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
