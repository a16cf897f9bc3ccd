"""What the sandbox costs: the same submission with every layer and with none, in turn, in one run.

python tools/sandbox_cost.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from grader.course.course import find_course  # noqa: E402
from grader.course.keys import key_of  # noqa: E402
from grader.runner.runner import PackedCalls, Runner  # noqa: E402
from grader.sandbox import LAYERS  # noqa: E402


def main() -> None:
    """Print the medians in milliseconds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    torch.set_num_threads(1)
    key = key_of(find_course(ROOT), "scaled_dot_product_attention")
    packed, cells = PackedCalls(key.calls), [key.reference]
    every = [layer.name for layer in LAYERS]
    settings = {"no layers": every, "all layers": [], "all but bubblewrap": ["bubblewrap"]}
    runners = {name: Runner(without=without) for name, without in settings.items()}
    took: dict[str, list[float]] = {name: [] for name in runners}
    try:
        for number in range(rounds + 5):
            for name, runner in runners.items():
                started = time.perf_counter()
                run = runner.run(cells, key.targets, packed)
                if number >= 5:  # the first few warm up
                    took[name].append(1000 * (time.perf_counter() - started))
                assert not any(outcome.ended for outcome in run.outcomes)
        active = ", ".join(runners["all layers"].layers())
    finally:
        for runner in runners.values():
            runner.close()
    base = statistics.median(took["no layers"])
    print(f"layers: {active}")
    for name, values in took.items():
        median = statistics.median(values)
        print(f"{name:20} {median:6.2f} ms a submission (median of {len(values)}), {median - base:+.2f} ms")


if __name__ == "__main__":
    main()
