"""Links in answers: their host is shown, and they lead past a notice unless it is trusted."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup

from apps.core.markdown import render_answer, render_markdown
from apps.core.markup.links import BadHostError, LinkPolicy, clean_hosts, read_signed

POLICY = LinkPolicy(hosts=("example.com",), notice_path="/w/acme/leave/", realm="acme")


def parse(text: str) -> BeautifulSoup:
    return BeautifulSoup(render_answer(text, citations={}, links=POLICY), "html.parser")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("[your bank](https://evil.example/login)", "evil.example"),
        ("[https://bank.example](https://evil.example/)", "evil.example"),
        ("[a](https://bank.example@evil.example/)", "evil.example"),
        ("[a](https://example.com.evil.example/)", "evil.example"),
        ("[a](https://notexample.com/)", "notexample.com"),
        ("[a](HTTPS://EVIL.example/)", "evil.example"),
        ("[a](https://bücher.example/)", "xn--bcher-kva.example"),
    ],
)
def test_a_link_shows_its_host_and_leads_to_the_notice(text: str, host: str) -> None:
    page = parse(text)
    [link] = page.select("a")
    note = page.select_one(".link-host")
    assert note is not None
    assert note.text.strip("()").endswith(host)
    assert str(link["href"]).lower().startswith("/w/acme/leave/?to=https%3a%2f%2f")
    assert {"noopener", "noreferrer"} <= set(link["rel"])


def test_a_notice_only_shows_what_was_signed_here() -> None:
    [link] = parse("[a](https://evil.example/x?a=1&b=2)").select("a")
    values = parse_qs(urlsplit(str(link["href"])).query)
    [url], [sign] = values["to"], values["sign"]
    assert read_signed(url, sign, realm="acme") == "https://evil.example/x?a=1&b=2"
    assert read_signed(url, sign, realm="other") == ""
    assert read_signed("https://other.example/", sign, realm="acme") == ""
    assert read_signed("javascript:alert(1)", sign, realm="acme") == ""


@pytest.mark.parametrize("url", ["https://example.com/a", "http://docs.example.com/a"])
def test_trusted_hosts_open_at_once(url: str) -> None:
    [link] = parse(f"[a]({url})").select("a")
    assert (link["href"], link["target"]) == (url, "_blank")


def test_an_address_that_is_its_own_text_is_not_named_twice() -> None:
    assert parse("<https://example.com/a>").select(".link-host") == []


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:alert(1))", "[a](data:text/html,x)", "[a](vbscript:x)", "[a](file:///etc)",
        "[a](//evil.example/)", "[a](/w/acme/logout/)", "[a](\\\\evil.example)", "[a](ftp://x.y/)",
        "[a](https://)", "[a](https://[bad/)", "[a](mailto:x@y.example?body=secret)",
    ],
)  # fmt: skip
def test_everything_else_is_text(text: str) -> None:
    assert parse(text).select("a") == []
    assert "a" in parse(text).text


def test_mail_addresses_are_shown() -> None:
    page = parse("[write](mailto:help@example.com)")
    assert page.text.strip() == "write (help@example.com)"
    assert page.select_one("a")["href"] == "mailto:help@example.com"  # type: ignore[index]


def test_without_a_workspace_a_link_is_text_with_its_host() -> None:
    page = BeautifulSoup(render_markdown("[a **b**](https://evil.example/)"), "html.parser")
    assert page.select("a") == []
    assert page.text.strip() == "a b (evil.example)"


def test_hosts_are_cleaned_and_checked() -> None:
    assert clean_hosts([" Docs.Example.com. ", "", "docs.example.com"]) == ["docs.example.com"]
    for bad in (
        "https://example.com",
        "example",
        "*.example.com",
        "a b.example",
        "x" * 300 + ".de",
    ):
        with pytest.raises(BadHostError, match="is no host"):
            clean_hosts([bad])
    with pytest.raises(BadHostError, match="At most"):
        clean_hosts([f"h{n}.example" for n in range(101)])
