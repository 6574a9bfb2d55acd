"""Runs `train` and tells how many environment steps it made in a second."""
import csv
import json
import shutil
import subprocess

WARM_UP = 0.1  # this share of a run's steps is not counted: start, first pages, first calls

# So small that no weight ever changes: the policy, and with it the states that are played, stay what they are.
FROZEN = ["--learning-rate=1e-30", "--schedule=constant"]


class TrainingFailed(Exception):
    pass


def run(program, run_dir, flags):
    command = [program, "train", f"--run-dir={run_dir}", "--eval-episodes=0", *flags]
    finish(command)


def finish(command):
    outcome = subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             check=False)
    if outcome.returncode != 0:
        raise TrainingFailed(f"'{' '.join(map(str, command[1:]))}' ended with {outcome.returncode}: {outcome.stderr[-500:]}")


def run_frozen(program, trained, copy, workers, steps):
    """Goes on from a copy of a finished run, without changing its policy; returns steps/s."""
    shutil.copytree(trained, copy)
    done = json.loads((trained / "summary.json").read_text())["environment_steps"]
    finish([program, "train", f"--resume={copy}", f"--workers={workers}", "--eval-episodes=0", f"--max-steps={done + steps}",
            *FROZEN])
    return steps_per_second(copy / "metrics.csv", done)


def steps_per_second(metrics, after=0):
    """From the rows beyond `after` environment steps, without the first of them."""
    with open(metrics, newline="") as file:
        rows = [(int(row["environment_steps"]), float(row["wall_seconds"])) for row in csv.DictReader(file)]
    return rate_of([row for row in rows if row[0] > after])


def rate_of(rows):
    """Steps a second of (steps, seconds) rows in order, without the warm-up."""
    if len(rows) < 3:
        raise TrainingFailed("too few rounds to tell a rate; take more steps")
    start = rows[0][0] + WARM_UP * (rows[-1][0] - rows[0][0])
    counted = [row for row in rows if row[0] >= start]
    if len(counted) < 2 or counted[-1][1] <= counted[0][1]:
        raise TrainingFailed("too few rounds to tell a rate; take more steps")
    return (counted[-1][0] - counted[0][0]) / (counted[-1][1] - counted[0][1])
