"""What evaluators are called on pages: what they tell a support lead, and the field's own term.

One table for all of them. An evaluator that is not in it keeps its own label. Pure.
"""

from __future__ import annotations

NAMES: dict[str, tuple[str, str]] = {
    # The answer against what is expected
    "exact_match": ("Exactly the expected answer", "exact match"),
    "contains": ("Contains the expected answer", "containment"),
    "token_f1": ("Same words as expected", "token F1"),
    "fuzzy_match": ("Nearly the same spelling", "fuzzy match"),
    "edit_similarity": ("Characters that can stay", "edit similarity"),
    "ngram_overlap": ("Same runs of words", "n-gram overlap"),
    "bleu": ("Same phrases, as in translations", "BLEU"),
    "rouge_1": ("Single words in common", "ROUGE-1"),
    "rouge_2": ("Pairs of words in common", "ROUGE-2"),
    "rouge_l": ("Same words in the same order", "ROUGE-L"),
    "embedding_similarity": ("Means the same as expected", "embedding similarity"),
    "answer_relevance": ("Answers what was asked", "answer relevance"),
    "multiple_choice": ("Takes the right option", "multiple choice"),
    "python_tests": ("Python that passes its tests", "pass@k"),
    "sql_execution": ("SQL that gives the right rows", "execution accuracy, pass@k"),
    "perplexity": ("How much the model hesitates", "perplexity"),
    "cross_entropy": ("Surprise at each token", "cross entropy"),
    "bits_per_byte": ("Surprise at each byte", "bits per byte"),
    "self_agreement": ("Says the same when asked again", "self-verification"),
    # Form
    "json_valid": ("Is valid JSON", "JSON validity"),
    "json_schema": ("Fits the JSON Schema", "schema conformance"),
    "regex": ("Has the required pattern", "regular expression"),
    "length": ("Has the right length", "word count"),
    "instructions": ("Follows the instructions", "IFEval"),
    # Retrieval
    "context_precision": ("Found passages that are wanted", "context precision@k"),
    "context_precision_at_k": ("Places of the first k that are wanted", "precision@k of all k"),
    "context_recall": ("Wanted passages that are found", "context recall@k"),
    "answer_recall": ("Sources hold the expected answer", "context recall, by the answer"),
    "hit_rate": ("Finds something wanted", "hit rate@k"),
    "all_found": ("Finds everything wanted", "all found@k"),
    "mrr": ("How early the first wanted passage comes", "reciprocal rank, MRR"),
    "map": ("Wanted passages come first", "average precision, MAP"),
    "ndcg": ("Best passages on top", "nDCG@k"),
    "ndcg_exp2": ("Best passages on top, strictly", "nDCG@k, exponential gain"),
    "span_recall": ("Wanted text that is found", "character recall"),
    "span_precision": ("Found text that is wanted", "character precision"),
    "span_iou": ("Found and wanted text in common", "character IoU"),
    # Grounding
    "groundedness": ("Backed by the sources", "groundedness"),
    "contradiction": ("Says the opposite of the sources", "contradiction"),
    "not_told": ("Says what no source tells", "baseless claims"),
    "citation_recall": ("Sentences that their citations back", "citation recall"),
    "citation_precision": ("Citations that back their sentence", "citation precision"),
    "abstention_accuracy": ("Declines when it should, and only then", "abstention accuracy"),
    "false_refusal": ("Declines what it could answer", "false refusal rate"),
    # Safety
    "pii_rate": ("Gives away personal data", "PII rate"),
    "toxicity_rate": ("Insults or threatens", "toxicity rate"),
    # Speed and cost
    "latency": ("Time to the whole answer", "latency"),
    "ttft": ("Time to the first word", "time to first token, TTFT"),
    "tpot": ("Time between two words", "time per output token, TPOT"),
    "cost": ("Cost of an answer", "cost"),
    # Judges and the team's own
    "judge_rubric": ("A model grades it by your rubric", "judge: rubric"),
    "judge_groundedness": ("A model says whether the sources back it", "judge: groundedness"),
    "judge_reference": ("A model compares it with the expected answer", "judge: reference"),
    "judge_checklist": ("A model ticks off your list of points", "judge: checklist"),
    "judge_task": ("A model says whether the task is done", "judge: task completion"),
    "judge_pair": ("A model prefers it to another answer", "judge: pairwise"),
    "custom_python": ("Your own, in Python", "custom code"),
    "custom_prompt": ("Your own, by a prompt", "custom judge"),
}  # fmt: skip


def name_evaluator(name: str, label: str) -> str:
    """`Backed by the sources (groundedness)`; the evaluator's own label if it has no name here."""
    return " ".join(describe_evaluator(name, label))


def describe_evaluator(name: str, label: str, details: str = "") -> list[str]:
    """The business name, and the term with its settings in brackets, if there is anything."""
    plain, term = NAMES.get(name, (label, ""))
    inner = "; ".join(text for text in (term, details) if text)
    return [plain, f"({inner})"] if inner else [plain]
