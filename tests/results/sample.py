"""Makes a small tree like this project's: docs/results.md with blocks, and sweeps of invented runs."""

import csv
import json
import pathlib
import random
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from results_lib import estimates  # noqa: E402
from results_lib.data import (COLUMNS, CONCURRENT_COLUMNS, TASK_COLUMNS, TASK_CURVE_COLUMNS,  # noqa: E402
                              UNEQUAL_COLUMNS, Data, options_of)
from results_lib.tables import BLOCKS, PLATEAU_SETTING  # noqa: E402


def policy_row(returns, seed, update, final, threshold=200):
    return {"seed": seed, "update": update, "environment_steps": update * 2500, "wall_seconds": f"{update * 0.04:.3f}",
            "final": int(final), "episodes": len(returns), "greedy": 0, "mean": f"{estimates.mean(returns):.4f}",
            "std": f"{estimates.standard_deviation(returns):.4f}",
            "standard_error": f"{estimates.standard_deviation(returns) / len(returns) ** 0.5:.4f}",
            "ci_low": f"{estimates.mean(returns) - 5:.4f}", "ci_high": f"{estimates.mean(returns) + 5:.4f}",
            "q25": estimates.quantile(returns, 0.25), "median": estimates.median(returns),
            "q75": estimates.quantile(returns, 0.75), "min": min(returns), "max": max(returns),
            "threshold_share": sum(value >= threshold for value in returns) / len(returns), "mean_length": 300,
            "truncated_share": 0.25, "steps_per_second": 50000}


def write_sweep(root, name, settings, seeds, updates, goal=lambda setting, seed: 150.0, episodes=40):
    """`goal`: the final mean of a run, towards which its curve climbs from -150."""
    directory = root / "docs" / "results" / name
    directory.mkdir(parents=True, exist_ok=True)
    generator = random.Random(name)
    options = list(options_of(settings[0]))
    with open(directory / "results.csv", "w", newline="", encoding="utf-8") as results, \
            open(directory / "final_returns.csv", "w", newline="", encoding="utf-8") as finals:
        table = csv.writer(results, lineterminator="\n")
        table.writerow(["setting", *options, *COLUMNS])
        returns_table = csv.writer(finals, lineterminator="\n")
        returns_table.writerow(["setting", "seed", "returns"])
        for setting in settings:
            for seed in range(1, (seeds(setting) if callable(seeds) else seeds) + 1):
                for update in updates:
                    middle = -150 + (goal(setting, seed) + 150) * (update / updates[-1]) ** 0.7
                    returns = [round(generator.gauss(middle, 40), 2) for _ in range(episodes)]
                    row = policy_row(returns, seed, update, update == updates[-1])
                    table.writerow([setting, *options_of(setting).values(), *(row[column] for column in COLUMNS)])
                returns_table.writerow([setting, seed, " ".join(str(value) for value in returns)])


def make_tree(root, seeds=3, episodes=40):
    """All sweeps, thesis.csv, published.csv, time_to_200.csv, and a results.md with every block in it, still empty."""
    directory = root / "docs" / "results"
    directory.mkdir(parents=True)
    for name in ("thesis.csv", "published.csv"):
        shutil.copy(ROOT / "docs" / "results" / name, directory)
    thesis = {row.setting: row.mean for row in Data(root).thesis("5.2")}
    grid = {setting: path[2000].mean for setting, path in Data(root).thesis_paths().items()}
    write_sweep(root, "table_5_2", list(thesis), lambda setting: 10 if setting == PLATEAU_SETTING else seeds,
                range(500, 2001, 500), lambda setting, seed: 140 if seed % 3 else thesis[setting] + 5, episodes)
    write_sweep(root, "tables_5_3_to_5_5", list(grid), seeds, range(200, 4001, 200),
                lambda setting, seed: grid[setting] + 15 * (seed - 2), episodes)
    for name in ("tuned_train", "tuned_cluster", "tuned_cart_pole"):
        write_sweep(root, name, ["default"], seeds, range(50, 1001, 50), lambda setting, seed: 255 + seed, episodes)
    write_sweep(root, "children", [f"children={c},alpha={a},beta={b}" for c in (2, 4, 8) for a in (0.1, 0.5, 0.9)
                                   for b in (0, 0.5)], seeds, [1000],
                lambda setting, seed: 100 + 200 * float(options_of(setting)["alpha"]) + 5 * seed, episodes)
    write_sweep(root, "workers_or_children", [f"children={c},workers={8 // c}" for c in (1, 2, 4, 8)], seeds, [1000],
                lambda setting, seed: 150 + 10 * int(options_of(setting)["workers"]) + seed, episodes)
    (directory / "unequal_children.csv").write_text(
        ",".join(UNEQUAL_COLUMNS) + "\n0.5,0.5,1,1,270.0,30.0,15.0,500,500,10,10,1.0\n"
        "0.5,0.5,4,1,260.0,30.0,25.0,800,200,16,4,4.0\n0.5,0.5,4,2,250.0,30.0,25.0,800,200,16,4,4.0\n")
    (directory / "time_to_200.csv").write_text(
        "seed,run,wall_seconds_total,environment_steps,mean\n1,train,20.5,900000,215.25\n2,train,31.25,1100000,205.5\n"
        "1,cluster,40,1500000,190\n", encoding="utf-8")
    (directory / "concurrent_algorithms.csv").write_text(
        ",".join(CONCURRENT_COLUMNS) + "\n" + "".join(
            f"{task},{algorithm},{workers},{sharing},{replay},{seed},200000,100000,900,12.5,7.5,{230 + seed},"
            # One seed of the mutex runs has not solved its task.
            + (",,,,\n" if sharing == "mutex" and seed == 1 else f"{80000 + 1000 * seed},40000,{300 + seed},5.0,3.0\n")
            for task in ("lunar-lander", "cart-pole") for algorithm, replay in (("dqn", "global"), ("ppo", ""))
            for workers, sharing in ((1, "hogwild"), (2, "hogwild"), (2, "mutex"), (2, "server"), (2, "local"))
            for seed in (1, 2, 3)), encoding="utf-8")
    (directory / "scaling").mkdir(exist_ok=True)
    header = ("rule,link,extra,machines,seed,target,seconds,steps,updates,virtual_seconds,environment_steps,"
              "waiting_share,megabytes,staleness,links_lost\n")
    for name, ways in (("lunar_lander", (("alone", 1), ("nesterov 0.5 rate 1.5", 2), ("nesterov 0.5 rate 1.5", 4),
                                         ("nesterov 0.5 rate 1.5", 8), ("nesterov 0.6 rate 2 clip", 16), ("rounds", 4),
                                         ("rounds", 8), ("each", 4))),
                       ("paced", (("alone", 1), ("segments", 4), ("segments", 8), ("segments", 16),
                                  ("nesterov 0.6 rate 2", 8)))):
        (directory / "scaling" / f"{name}.csv").write_text(header + "".join(
            f"{rule},wire,,{machines},{seed},200,{'' if machines == 16 and seed == 1 else 2 / machines + seed / 10},"
            f"1000,10,1.0,1000,0.1,1.0,0.0,0\n" for rule, machines in ways for seed in (1, 2)))
    (directory / "performance").mkdir(exist_ok=True)
    (directory / "performance" / "workers_beside_runs.csv").write_text(
        "preset,way,workers,repetition,steps_per_second,share\n" + "".join(
            f"{preset},2 separate runs,2,1,1000,1\n" + "".join(
                f'{preset},"hogwild, {end}",{workers},1,900,0.9\n' for end in ("steps", "episodes")
                for workers in (2, 4, 8)) for preset in ("tuned", "thesis")))
    (directory / "tasks.csv").write_text(
        ",".join(TASK_COLUMNS) + "\n" + "".join(
            f"pendulum,Pendulum-v1,--preset control,-200,{seed},101000,{reached},2.5,3.1,40,{mean},90,-120,-300,-1,\n"
            for seed, reached, mean in ((1, "37800,2.0", -150), (2, "30000,1.0", -152.5), (3, ",", -250))),
        encoding="utf-8")
    (directory / "task_curves.csv").write_text(
        ",".join(TASK_CURVE_COLUMNS) + "\n" + "".join(f"pendulum,{seed},{steps},{-1000 + steps / 200 - seed}\n"
                                                      for seed in (1, 2, 3) for steps in range(5000, 101000, 5000)),
        encoding="utf-8")
    (directory / "performance").mkdir(exist_ok=True)
    (directory / "performance" / "table.json").write_text(json.dumps({
        "machine": {"cpu": "A processor", "cores": 2, "load_average_at_start": [0.12, 0, 0]}, "quick": False,
        "figures": [{"name": "one action", "value": 0.41234, "unit": "us", "target": "<= 1", "met": True},
                    {"name": "  LibTorch", "value": 12345.6, "unit": "us", "target": None, "met": None},
                    {"name": "exchange", "value": 0.5, "unit": "GB/s", "target": ">= 1", "met": False}]}), encoding="utf-8")
    blocks = [f"Prose about {name}.\n\n<!-- generated: {name} -->\n<!-- end: {name} -->\n" for name in BLOCKS]
    (root / "docs" / "results.md").write_text("# Results\n\n" + "\n".join(blocks), encoding="utf-8")


if __name__ == "__main__":  # to look at the plots: sample.py DIRECTORY EPISODES, scripts/results --root DIRECTORY
    make_tree(pathlib.Path(sys.argv[1]), episodes=int(sys.argv[2]))
