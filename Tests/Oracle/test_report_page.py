"""The page of a sales report in a real browser: wide and on a phone, light and dark, and on paper.

The pages are those that the Swift tests leave in $SLUICE_TEST_PAGES, of reports of all kinds, and one that the program
makes of a batch.
"""

import json
import os
import re
import struct
import subprocess
import tempfile
from pathlib import Path

import chromium
import pytest

FOLDER = os.environ.get("SLUICE_TEST_PAGES")
PAGES = sorted(Path(FOLDER).glob("*.html")) if FOLDER else []

pytestmark = chromium.needed

needs_pages = pytest.mark.skipif(
    not PAGES, reason="SLUICE_TEST_PAGES names no folder with pages; `make test` has the Swift tests write them")


def every_page(test):
    """Runs a test with every page, or skips it and says why."""
    return needs_pages(pytest.mark.parametrize("page", PAGES or [Path("none")], ids=lambda page: page.stem)(test))


# Elements that stand out of the window to the right, but for those in a box that scrolls.
OUTSIDE = """
[...document.querySelectorAll("body *")]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll") && !e.matches(".unseen"))
  .map(e => e.outerHTML.slice(0, 120))
"""

# Text of which the contrast with what is behind it is below 4.5, as WCAG reckons it.
FAINT = """
(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => {
    const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length == 3 || c[3] == 1) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const fore = light(parse(e instanceof SVGElement ? style.fill : style.color).slice(0, 3)), back = light(behind(e));
    const contrast = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
    if (contrast < 4.5) faint.add(e.tagName + "." + e.getAttribute("class") + " " + contrast.toFixed(2));
  }
  return [...faint];
})()
"""

# Text that is too small to read, wherever it is shown.
SMALL = """
[...document.querySelectorAll("body *")]
  .filter(e => e.getClientRects().length && [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim()))
  .filter(e => parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.outerHTML.slice(0, 80))
"""

# Labels of an axis that stand in each other.
CROWDED = """
[...document.querySelectorAll("svg.plot, svg.strip")].flatMap(svg => ["x", "y"].flatMap(axis => {
  const boxes = [...svg.querySelectorAll("text." + axis)].filter(t => t.getClientRects().length)
    .map(t => [t.getBoundingClientRect(), t.textContent]);
  return boxes.slice(1).filter(([b], i) => b.left < boxes[i][0].right && b.right > boxes[i][0].left
    && b.top < boxes[i][0].bottom && b.bottom > boxes[i][0].top).map(([b, t]) => t);
}))
"""


@pytest.fixture(scope="module")
def browser():
    with chromium.Chromium() as running:
        yield running


def check_shown(shown, width):
    """What holds of every page in every window."""
    assert shown.ask("document.documentElement.scrollWidth") <= width
    assert shown.ask(OUTSIDE) == []
    assert shown.ask(FAINT) == []
    assert shown.ask(SMALL) == []
    assert shown.ask(CROWDED) == []
    assert shown.ask("document.scripts.length") == 0
    # Nothing was said on the console, and nothing was asked for but the page itself.
    assert shown.seen("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
    asked = [event["request"]["url"] for event in shown.seen("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []


@every_page
@pytest.mark.parametrize("width, dark", [(1280, False), (390, True), (360, False)])
def test_fits_the_window_and_can_be_read(browser, page, width, dark, tmp_path):
    with browser.open(page, width=width, dark=dark) as shown:
        check_shown(shown, width)
        picture = shown.photograph(tmp_path / "page.png", whole=False)
        assert struct.unpack(">II", picture[16:24]) == (width, 900)
        # With everything opened it still fits.
        shown.ask("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert shown.ask("document.documentElement.scrollWidth") <= width
        assert shown.ask(OUTSIDE) == []


@every_page
def test_prints_on_white_pages(browser, page):
    with browser.open(page, dark=True) as shown:
        document = shown.printed()
        assert document.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type\s*/Page\b", document)) >= 1
        shown.call("Emulation.setEmulatedMedia", media="print",
                   features=[{"name": "prefers-color-scheme", "value": "dark"}])
        assert shown.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        # A page is 182 mm wide within its margins.
        shown.call("Emulation.setDeviceMetricsOverride", width=688, height=1000, deviceScaleFactor=1, mobile=False)
        # Sums of 39 digits need more, and are printed smaller.
        assert shown.ask("document.documentElement.scrollWidth") <= (800 if page.stem == "extreme" else 688)


@every_page
def test_a_browser_reads_the_page_as_it_was_written(browser, page):
    with browser.open(page) as shown:
        # A title that had ended early would have left its rest in the body.
        assert shown.ask("document.body.firstElementChild.tagName") == "HEADER"
        assert shown.ask("[...document.body.children].map(e => e.tagName).join()") == "HEADER,MAIN,FOOTER"
        assert shown.ask("document.querySelectorAll('img, iframe, script, object, form, input').length") == 0
        assert shown.ask("document.querySelectorAll('svg[role=img]:not([aria-labelledby])').length") == 0
        assert shown.ask("document.compatMode") == "CSS1Compat"


@needs_pages
def test_nothing_can_be_run_or_fetched_even_if_it_got_in(browser, tmp_path):
    """The policy holds: what is put into the page does not run, and an image is not asked for."""
    html = (Path(FOLDER) / "single.html").read_text()
    html = html.replace("<main>", "<main><script>document.title = 'ran'</script>"
                        "<img src='http://127.0.0.1:9/x.png' onerror=\"document.title = 'ran'\">")
    path = tmp_path / "tampered.html"
    path.write_text(html)
    with browser.open(path) as shown:
        assert shown.ask("document.title") != "ran"
        said = " ".join(event["entry"]["text"] for event in shown.seen("Log.entryAdded"))
        assert "Content Security Policy" in said


@needs_pages
def test_the_plain_command_line_reads_it_too():
    """`chromium --dump-dom`, without anything of ours in between."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-sandbox"] if os.getuid() == 0 else []
        done = subprocess.run(
            [chromium.PROGRAM, "--headless", *options, "--disable-gpu", f"--user-data-dir={folder}", "--dump-dom",
             (Path(FOLDER) / "typical.html").as_uri()],
            capture_output=True, timeout=120, check=True)
    text = done.stdout.decode()
    assert "</html>" in text
    assert text.count("<svg class=\"plot\"") == 2


def test_shows_what_the_program_reports(browser, sluice, attempt, tmp_path):
    """From a made-up batch to the page beside its report: the headline is the JSON's, and there is a column for each day."""
    if "html" not in attempt("report", "--help").text:
        pytest.skip("this program makes no pages of reports")
    sluice("generate", "sales", "--count", 2000, "--days", 40, "--invalid-rate", "0.02", "-o", tmp_path / "in")
    batch = next((tmp_path / "in").glob("*.json"))
    sluice("report", batch, "-o", tmp_path / "out")
    page, = (tmp_path / "out").rglob("*.html")
    report = json.loads(page.with_suffix(".json").read_text(), parse_float=str)
    for width, dark in [(1280, False), (390, True)]:
        with browser.open(page, width=width, dark=dark) as shown:
            check_shown(shown, width)
            values = [text.replace(",", "") for text in shown.ask(
                "[...document.querySelectorAll('.figure .value')].map(e => e.textContent)")]
            summary = report["summary"]
            assert values == [str(value) for value in (
                summary["total_revenue"], summary["orders"], summary["average_order_value"], summary["unique_customers"],
                summary["total_items"], summary["total_tax"], summary["total_shipping"])]
            assert shown.ask("document.querySelectorAll('#days-t ~ g .column').length") == len(report["daily"])
            invalid = report["validation"]["invalid_transactions"]
            assert f"{invalid} records of 2,000" in shown.ask("document.querySelector('.notice').textContent")
