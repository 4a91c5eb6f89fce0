"""Whether a judge is the model whose answers it judges.

Such a judge recognises its own answers and grades them higher (Panickssery, Bowman and Feng, 2024:
"LLM Evaluators Recognize and Favor Their Own Generations"; Zheng et al., 2023).
"""

from __future__ import annotations


def is_same_model(first: str, second: str) -> bool:
    """Whether two model names mean one model: the same but for case, provider and `:latest`.

    >>> is_same_model("meta-llama/Llama-3.1-8B", "llama-3.1-8b:latest")
    True
    """
    return bool(first.strip()) and _plain(first) == _plain(second)


def _plain(name: str) -> str:
    return name.strip().casefold().rpartition("/")[2].removesuffix(":latest")
