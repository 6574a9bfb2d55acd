"""LunarLander solved while the network between a Parent and its Children is bad."""

import tempfile
import time

from chaos_lib.common import Failure, report
from chaos_lib.family import Family
from chaos_lib.net_space import NetSpace
from chaos_lib.network import CONDITIONS


def solve_over(arguments, settings):
    """Trains from nothing until an evaluation reaches the target; returns what it took."""
    with tempfile.TemporaryDirectory(prefix="genkidama-chaos-") as directory, NetSpace(arguments.seed) as space:
        space.set(**settings)
        words = ["--insecure", "--target", arguments.target, "--evaluate-every", "10", "--max-steps", "100000000"]
        places = (space.place(0), space.place(1))
        with Family(
            arguments, directory, arguments.children, space.hosts[0], parent_words=words, places=places
        ) as family:
            start = time.monotonic()
            family.start_parent()
            for number in family.children:
                family.start_child(number)
            summary, end = family.wait_solved(arguments.target, arguments.minutes)
    if summary["refused_updates"] != 0:
        raise Failure("the Parent refused weights")
    updates, steps = summary["updates"], summary["environment_steps"]
    return {"s": round(end - start, 1), "updates": updates, "environment_steps": steps}


def run(arguments, _chance):
    """LunarLander from nothing to a mean return of RETURN, over a clean and over bad networks."""
    figures, problems = {}, []
    for name, settings in CONDITIONS.items():
        if arguments.only and name not in arguments.only:
            continue
        try:
            figures[name.replace(" ", "_")] = solve_over(arguments, settings)
        except Failure as failure:
            problems.append(f"{name}: {failure}")
    report("solve", figures)
    if problems:
        raise Failure("; ".join(problems))


def add(subcommands):
    parser = subcommands.add_parser("solve", help="LunarLander solved over bad networks; root", description=run.__doc__)
    parser.add_argument("--children", type=int, default=2, metavar="N", help="default: %(default)s")
    parser.add_argument("--target", type=float, default=200, metavar="RETURN", help="default: %(default)s")
    parser.add_argument(
        "--minutes", type=float, default=15, metavar="M", help="for each network, at most; default: %(default)s"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=CONDITIONS,
        metavar="NETWORK",
        help="may be repeated; one of: " + ", ".join(CONDITIONS).replace("%", "%%"),
    )
    parser.set_defaults(fault=run, preset_default="tuned")
