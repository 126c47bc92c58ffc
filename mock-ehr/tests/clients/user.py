"""A user at the EHR's pages, for apps in Python: signs in, chooses Benno, allows everything."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

# Registered for every built-in client. Nothing listens there: the user stops at its address.
REDIRECT_URI = "http://127.0.0.1:4567/callback"


class Form(HTMLParser):
    """The one form of a page, filled in."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        name, value = at.get("name"), at.get("value", "")
        if tag == "form" and self.action is None:
            self.action = at["action"]
        elif tag in ("input", "button") and name:
            if name in ("username", "password"):
                self.fields.append((name, "demo"))
            elif value == "patient-b" if at.get("type") == "radio" else value != "deny":
                self.fields.append((name, value))


def approve(url):
    """The address of the app at which it ends."""
    browser = requests.Session()
    answer = browser.get(url, allow_redirects=False)
    for _ in range(15):
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["location"])
            if target.startswith(REDIRECT_URI):
                return target
            answer = browser.get(target, allow_redirects=False)
            continue
        form = Form(answer.text)
        assert answer.ok and form.action, f"{answer.status_code} at {answer.url} and no form to fill in: {answer.text}"
        answer = browser.post(urljoin(answer.url, form.action), data=form.fields, allow_redirects=False)
    raise AssertionError("the pages go round in circles")


def refusal(url):
    """What the EHR answers to an app that asks in this way."""
    back = parse_qs(urlsplit(approve(url)).query)
    return "a code was given" if "code" in back else f"{back['error'][0]}: {back['error_description'][0]}"
