"""Run all measurements, or the named ones: python -m tests.benchmarks [NAME ...] runs `main` of each bench_NAME."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    names = sys.argv[1:] or sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    for name in names:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"tests.benchmarks.bench_{name}").main()


if __name__ == "__main__":
    main()
