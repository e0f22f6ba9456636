"""Takes docs/dashboard.png: `screenshot.py CHROMIUM DASHBOARD_URL PATH [dark]`, or `make screenshot` on a running stack."""

import sys

from chromium import Chromium


def main(program, url, path, mode="light"):
    with Chromium(program) as browser:
        page = browser.page(url, width=1280, height=1000, dark=mode == "dark")
        page.until("three charts", "document.querySelectorAll('.chart svg').length === 3", 90)
        page.until("events", "document.querySelectorAll('#events li').length > 3", 90)
        page.until("the tables' rows", "['numbers', 'posts'].every((id) => document.getElementById(id).rows.length > 0)", 90)
        height = page.run("Math.ceil(document.documentElement.getBoundingClientRect().height)")
        page.look(1280, height, dark=mode == "dark", still=True)
        browser.listen(1)
        page.picture(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
