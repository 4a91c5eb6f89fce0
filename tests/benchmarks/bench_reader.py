"""How well the built-in reader answers and declines, and what it costs.

    python -m tests.benchmarks.bench_reader MODELS_DIR [--quick]

Per kind of question (see ``reader_data``), on the held-out half: how many answerable questions it
answers, how many unanswerable ones it declines, the mean of both, how often a gold answer is within
the sentences it chose, and how many sentences those are. Then the time per question on one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import mean

from inference.minilm.build import build_model
from inference.minilm.embedder import MiniLMEmbedder
from inference.reader import MAX_EMBEDDED, Passage, Reader
from tests.benchmarks.reader_data import Item, holds_gold, load_items

KINDS = ("squad", "clapnq", "multihop", "absent")
QUICK = 25


def measure_kind(reader: Reader, items: list[Item]) -> str:
    """Return one line of figures."""
    answered, declined, right, lengths = [], [], [], []
    for item in items:
        answer = reader.answer(item.question, item.passages)
        if not item.answerable:
            declined.append(answer.declined)
            continue
        answered.append(not answer.declined)
        if not answer.declined:
            text = " ".join(sentence.text for sentence in answer.sentences)
            pieces = [sentence.text for sentence in answer.sentences]
            right.append(any(holds_gold(piece, item) for piece in [text, *pieces]))
            lengths.append(len(answer.sentences))
    if not answered:
        return f"declines {mean(declined):.0%} of {len(declined)}"
    return (
        f"answers {mean(answered):.0%} of {len(answered)}, "
        f"declines {mean(declined):.0%} of {len(declined)}, "
        f"balanced {(mean(answered) + mean(declined)) / 2:.1%}, "
        f"gold in answer {mean(right):.0%} of those answered, {mean(lengths):.1f} sentences"
    )


def measure_time(reader: Reader, items: list[Item], *, words: int, count: int) -> str:
    """Time questions over six passages of ``words`` words, which the texts are filled up to."""
    seconds = []
    for item in items[:count]:
        text = " ".join(passage.text for passage in item.passages).split()
        text = text * (1 + words * 6 // len(text))
        passages = [Passage(str(n), " ".join(text[n * words : (n + 1) * words])) for n in range(6)]
        # Processor time: a busy neighbour must not look like a slow reader.
        started = time.process_time()
        reader.answer(item.question, passages)
        seconds.append(time.process_time() - started)
    seconds.sort()
    return (
        f"6 passages of {words} words, at most {MAX_EMBEDDED} sentences embedded, one core: "
        f"p50 {seconds[len(seconds) // 2] * 1000:.0f} ms, "
        f"p95 {seconds[int(len(seconds) * 0.95)] * 1000:.0f} ms"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models_dir", type=Path, help="folder of the prepared model")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} questions per kind")
    options = parser.parse_args()
    items = [item for item in load_items() if item.held_out and item.passages]
    build_model(options.models_dir)
    reader = Reader(MiniLMEmbedder.load(options.models_dir, workers=1))
    for kind in KINDS:
        of_kind = [item for item in items if item.kind == kind]
        step = max(1, len(of_kind) // QUICK) if options.quick else 1
        print(f"{kind:9}", measure_kind(reader, of_kind[::step]), flush=True)
    print(measure_time(reader, items[::7], words=200, count=40))


if __name__ == "__main__":
    main()
