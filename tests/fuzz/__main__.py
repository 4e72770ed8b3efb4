"""`python -m tests.fuzz`: give every door millions of inputs, on all cores, and keep what was found."""

import argparse
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final, NamedTuple

from tests.fuzz.fuzzing import Slice, fuzz, limit_memory, shrunk, time_limit
from tests.fuzz.targets import TARGETS, Target

MILLIONS: Final = 10.0
SLICES_PER_MILLION: Final = 8  # progress is told after each, and each begins with fresh memory of everything
HEADINGS: Final = f"{'target':<14}{'inputs':>12}{'per s':>10}{'slowest ms':>12}{'peak MiB':>10}{'findings':>10}"


class Job(NamedTuple):
    """Inputs of one target that follow from one seed."""

    target: Target
    inputs: int
    seed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, print what came of it and save the findings; 1 when there are any."""
    wanted = _parser().parse_args(arguments)
    unknown = sorted(set(wanted.targets) - set(TARGETS))
    if unknown:
        print(f"there is no target {', '.join(unknown)}; there are: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    jobs = list(_jobs(wanted.targets or list(TARGETS), wanted.millions, wanted.seed))
    print(f"{sum(job.inputs for job in jobs):,} inputs, seed {wanted.seed}, {wanted.jobs} processes", flush=True)
    begin_s = time.monotonic()
    sums = _sum_up(_run(jobs, wanted.jobs))
    print("\n".join([HEADINGS, *(_line(one) for one in sums.values())]))
    print(f"{sum(one.inputs for one in sums.values()):,} inputs in {time.monotonic() - begin_s:.0f} s")
    return _save(sums.values())


def _jobs(targets: Iterable[str], millions: float, seed: int) -> Iterator[Job]:
    """Divide the work so that all targets come on side by side."""
    slices = max(1, round(millions * SLICES_PER_MILLION))
    for number in range(slices):
        for target in map(TARGETS.__getitem__, targets):
            yield Job(target, math.ceil(target.inputs * millions / slices), seed + number)


def _run(jobs: Sequence[Job], processes: int) -> Iterator[Slice]:
    """Do the jobs on several cores, and tell how far it is."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, fresh, initializer=limit_memory) as pool:
        running = [pool.submit(fuzz, *job) for job in jobs]
        for number, done in enumerate(as_completed(running), start=1):
            found = done.result()
            what = f", {len(found.findings)} FINDINGS" if found.findings else ""
            print(f"  {number}/{len(jobs)} {found.target}: {found.inputs:,} in {found.seconds:.0f} s{what}", flush=True)
            yield found


def _sum_up(slices: Iterable[Slice]) -> dict[str, Slice]:
    sums = {name: Slice(name) for name in TARGETS}
    for one in slices:
        sums[one.target].add(one)
    return {name: one for name, one in sums.items() if one.inputs}


def _line(one: Slice) -> str:
    per_s = one.inputs / max(one.seconds, 1e-9)
    counts = f"{one.inputs:>12,}{per_s:>10,.0f}{one.slowest_ms:>12.1f}{one.peak_mib:>10}{len(one.findings):>10}"
    return f"{one.target:<14}{counts}"


def _save(sums: Iterable[Slice]) -> int:
    """Save each finding as short as it can be made: tests/fuzz/test_fuzz.py tries it from then on."""
    findings = [finding for one in sums for finding in one.findings.values()]
    with time_limit():
        for found in findings:
            finding = shrunk(TARGETS[found.target], found)
            print(f"\n{finding.target}: {finding.error} at {finding.place}: {finding.message}\n  {finding.save()}")
    return 1 if findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(TARGETS)}; all without any")
    parser.add_argument("--millions", type=float, default=MILLIONS, help="inputs in all, when no target is named (10)")
    parser.add_argument("--seed", type=int, default=1, help="another one gives other inputs (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once (one per core)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
