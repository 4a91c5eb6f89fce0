"""Example code for the share page. Pure text."""

from __future__ import annotations

PYTHON = """\
from openai import OpenAI

client = OpenAI(base_url="{base_url}", api_key="YOUR-KEY")
answer = client.chat.completions.create(
    model="{slug}",
    messages=[{{"role": "user", "content": "How many days of leave do I have?"}}],
)
print(answer.choices[0].message.content)
for citation in answer.citations:
    print(citation["n"], citation["document_name"], "page", citation["page"])
"""

CURL = """\
curl {base_url}/chat/completions \\
  -H "Authorization: Bearer YOUR-KEY" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{slug}", "messages": [{{"role": "user", "content": "Who approves travel?"}}]}}'
"""


def list_snippets(base_url: str, slug: str) -> list[tuple[str, str, str]]:
    """(id, label, code) for each way to ask."""
    return [
        ("code-python", "Python", PYTHON.format(base_url=base_url, slug=slug)),
        ("code-curl", "Command line", CURL.format(base_url=base_url, slug=slug)),
    ]
