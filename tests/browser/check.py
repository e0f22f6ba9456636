"""The dashboard in a browser, on a running stack: `check.py CHROMIUM AXE_JS DASHBOARD_URL`.

Live figures, stop and start by mouse and by keyboard, a narrow window, light and dark, no error in the console, and no
violation of accessibility that axe-core knows of.
"""

import json
import sys
import urllib.request

from chromium import Chromium

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def main(program, axe, url):
    url = url.rstrip("/") + "/"
    with Chromium(program) as browser:
        page = browser.page(url)
        shows_live_figures(page)
        for dark in (False, True):
            for width in (1280, 360):
                page.look(width, 900, dark)
                fits(page, width)
                is_accessible(page, axe, f"{width} px, {'dark' if dark else 'light'}")
        page.look(320, 640)
        fits(page, 320)
        page.look(1280, 900, dark=False)
        colours_differ(page)
        motion_can_be_reduced(page)
        works_by_keyboard(page)
        stops_and_starts(page, "producer", lambda: page.click("#producer-button"))
        stops_and_starts(page, "streaming", lambda: (page.run("document.querySelector('#streaming-button').focus()"), page.press("Enter")))
        refuses_others(page, url)
        browser.listen(1)
        assert not page.errors, f"the console shows {page.errors}"
        survives_a_loss(page)
    the_registry_has_a_page(program, axe, url)
    print("the dashboard is as it should be")


def number(page, id):
    text = page.run(f"document.getElementById('{id}').textContent")
    return float(text.replace(",", "")) if text.replace(",", "").replace(".", "").isdigit() else None


def shows_live_figures(page):
    page.until("the title", "document.title === 'Millrace'")
    page.until("events sent", "Number(document.getElementById('sent').textContent.replaceAll(',', '')) > 0", 90)
    page.until("rows", "Number(document.getElementById('rows').textContent.replaceAll(',', '')) > 0", 90)
    page.until("a healthy service", "[...document.querySelectorAll('#services .badge')].some((b) => b.textContent === 'healthy')")
    page.until("events", "document.querySelectorAll('#events li').length > 0", 90)
    page.until("types", "document.querySelectorAll('#types li').length > 0", 90)
    page.until("repositories", "document.querySelectorAll('#repositories li').length > 0", 90)
    page.until("three charts", "document.querySelectorAll('.chart svg').length === 3", 90)
    tables_are_read(page)
    page.until("nobody away", "!document.body.innerText.match(/\\baway\\b/i)")
    before = number(page, "rows")
    page.until("more rows", f"Number(document.getElementById('rows').textContent.replaceAll(',', '')) > {before}", 90)
    for id in ("rate-chart", "lag-chart", "growth-chart"):
        words = page.run(f"document.querySelector('#{id} svg').getAttribute('aria-label')")
        assert any(c.isdigit() for c in words) and words.endswith("."), f"{id} says {words!r}"


def tables_are_read(page):
    """Five stages and three shards with figures, in tables that say what they are and whose headings have a scope."""
    page.until("five stages", "document.querySelectorAll('#numbers tr').length === 5", 90)
    page.until("times in each stage", "[...document.querySelectorAll('#numbers tr')].every((row) => /^\\d.* m?s$/.test(row.cells[2].lastElementChild.textContent))", 120)
    page.until("start to finish", "/^\\d.* m?s$/.test(document.querySelector('#numbers-whole tr').cells[4].lastElementChild.textContent)", 90)
    page.until("three shards", "[...document.querySelectorAll('#posts .badge')].filter((b) => b.textContent === 'reachable').length === 3", 90)
    said = page.run(
        "[...document.querySelectorAll('table')].map((table) => ({caption: table.caption.textContent,"
        " scopes: [...table.querySelectorAll('th')].every((head) => head.scope),"
        " even: [...table.rows].every((row) => row.cells.length === table.rows[0].cells.length)}))"
    )
    assert len(said) == 2 and all(table["caption"] and table["scopes"] and table["even"] for table in said), said


def fits(page, width):
    """Nothing is wider than the window, and no table is wider than its panel."""
    wide = page.run("document.documentElement.scrollWidth")
    assert wide <= width, f"{wide} px wide in a window of {width} px"
    cut = page.run(
        "[...document.querySelectorAll('.panel table')].filter((table) => table.scrollWidth > table.clientWidth + 1"
        " || table.getBoundingClientRect().right > table.parentElement.getBoundingClientRect().right).length"
    )
    assert cut == 0, f"{cut} tables do not fit in a window of {width} px"


def is_accessible(page, axe, where):
    if not page.run("typeof axe === 'object'"):
        with open(axe, encoding="utf-8") as script:
            page.run(script.read() + "\n;0")
    options = json.dumps({"runOnly": {"type": "tag", "values": TAGS}})
    found = page.run(f"axe.run(document, {options}).then(({{violations, passes}}) => ({{violations, passes: passes.length}}))")
    faults = [f"{v['id']}: {v['help']}: {[n['html'][:120] for n in v['nodes'][:3]]}" for v in found["violations"]]
    assert not faults, f"axe, {where}:\n" + "\n".join(faults)
    assert found["passes"] > 15, f"axe looked at little: {found['passes']} rules"


def colours_differ(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.run(colour)
    page.look(1280, 900, dark=True)
    dark = page.run(colour)
    page.look(1280, 900, dark=False)
    assert light != dark, f"light and dark are both {light}"


def motion_can_be_reduced(page):
    page.look(1280, 900, still=True)
    moving = page.run("document.getAnimations().filter((a) => a.playState === 'running').length")
    page.look(1280, 900)
    assert moving == 0, f"{moving} animations run although motion is to be reduced"


def works_by_keyboard(page):
    """Tab reaches the skip link first, then both buttons, and what has the focus shows it."""
    page.run("document.activeElement?.blur(); window.scrollTo(0, 0)")
    reached = []
    for _ in range(8):
        page.press("Tab")
        focus = "document.activeElement"
        reached.append(page.run(f"{focus}.id || {focus}.className"))
        outline = page.run(f"getComputedStyle({focus}).outlineStyle")
        assert outline != "none", f"{reached[-1]} does not show that it has the focus"
    assert reached[0] == "skip" and {"producer-button", "streaming-button"} <= set(reached), reached


def stops_and_starts(page, part, press):
    state = f"document.getElementById('{part}-state').textContent"
    button = f"document.getElementById('{part}-button')"
    page.until(f"{part} runs", f"{state} === 'running' && {button}.getAttribute('aria-disabled') === 'false'")
    press()
    # A poller that has begun ends within its minute.
    page.until(f"{part} is stopped", f"{state} === 'stopped'", 100)
    said = page.run("document.getElementById('news').textContent")
    assert "stopped" in said, f"the live region says {said!r}"
    page.until("a button to start", f"{button}.textContent.startsWith('Start') && {button}.getAttribute('aria-disabled') === 'false'")
    press()
    page.until(f"{part} runs again", f"{state} === 'running'", 60)


def refuses_others(page, url):
    """A request without the page's header changes nothing, and nothing may be loaded from elsewhere."""
    request = urllib.request.Request(f"{url}api/producer/stop", method="POST", data=b"")
    try:
        urllib.request.urlopen(request, timeout=30)
        raise AssertionError("a stop without the page's header was accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 400, error.code
    policy = urllib.request.urlopen(url, timeout=30).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy, policy


def survives_a_loss(page):
    """Without an answer the page stays and says so, and mends itself."""
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.call("Network.emulateNetworkConditions", **offline)
    page.until("the loss", "document.getElementById('whole-words').textContent.startsWith('no answer')", 30)
    assert page.run("document.querySelectorAll('#services li').length") > 0, "what was known stays"
    page.call("Network.emulateNetworkConditions", **{**offline, "offline": False})
    page.until("the return", "!document.getElementById('whole-words').textContent.startsWith('no answer')", 60)


def the_registry_has_a_page(program, axe, url):
    with urllib.request.urlopen(f"{url}api/overview", timeout=30) as answer:
        services = json.load(answer)["panels"]["services"]["data"]["services"]
    registry = next(service["address"] for service in services if service["name"] == "registry-api")
    with Chromium(program) as browser:
        for path in ("services", "services/github-lake-writer"):
            page = browser.page(f"{registry}/{path}")
            page.until(path, "document.querySelectorAll('tbody tr').length > 0")
            for dark in (False, True):
                page.look(360, 800, dark)
                fits(page, 360)
                is_accessible(page, axe, f"registry /{path}, {'dark' if dark else 'light'}")
            assert not page.errors, page.errors


if __name__ == "__main__":
    main(*sys.argv[1:])
