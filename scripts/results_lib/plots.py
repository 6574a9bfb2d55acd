"""Which plots there are, what they are drawn from, and whether a file is drawn from the present data."""

import hashlib
import re

from .data import ResultsError

THESIS = "thesis.csv"
PUBLISHED = "published.csv"
TIMES = "time_to_200.csv"
CONCURRENT = "concurrent_algorithms.csv"


def results(sweep):
    return f"{sweep}/results.csv"


def returns(sweep):
    return f"{sweep}/final_returns.csv"


# name -> files below docs/results
PLOTS = {
    "learning_paths": [THESIS, results("tables_5_3_to_5_5")],
    "table_5_2_learning": [THESIS, results("table_5_2")],
    "table_5_2_boxes": [THESIS, results("table_5_2"), returns("table_5_2")],
    "tables_5_3_to_5_5_boxes": [THESIS, results("tables_5_3_to_5_5"), returns("tables_5_3_to_5_5")],
    "density": [THESIS, results("table_5_2"), returns("table_5_2"), results("tables_5_3_to_5_5"),
                returns("tables_5_3_to_5_5")],
    "beside_others": [PUBLISHED, THESIS, TIMES, results("tuned_train")],
    "tuned": [results("tuned_train"), results("tuned_cluster")],
    "tuned_cart_pole": [results("tuned_cart_pole")],
    "children": [results("children")],
    "workers_or_children": [results("workers_or_children")],
    "tasks": ["tasks.csv", "task_curves.csv"],
    "machines": ["scaling/lunar_lander.csv", "scaling/paced.csv"],
    "concurrent_episodes": [CONCURRENT],
    "concurrent_speedup": [CONCURRENT],
    "concurrent_sharing": [CONCURRENT],
    "cores": ["performance/workers_beside_runs.csv"],
}
MARK = "genkidama-data-sha256: "
MARK_PATTERN = re.compile(MARK + r"([0-9a-f]{64})\b")


def missing_inputs(directory, name):
    return [f"docs/results/{file}" for file in PLOTS[name] if not (directory / file).exists()]


def data_hash(directory, name):
    """Of the plot's name and the bytes of its input files."""
    digest = hashlib.sha256(name.encode())
    for file in PLOTS[name]:
        content = (directory / file).read_bytes()
        digest.update(f"\n{file} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def check_plot(directory, name, mentioned):
    """Raises ResultsError unless plots/NAME.svg is drawn from the present data. `mentioned`: where docs name it."""
    path = directory / "plots" / f"{name}.svg"
    file = f"docs/results/plots/{name}.svg"
    if name not in PLOTS:
        raise ResultsError(f"{mentioned or file}: there is no plot '{name}'; expected one of {', '.join(PLOTS)}")
    missing = missing_inputs(directory, name)
    if missing:
        raise ResultsError(f"{mentioned or file}: plot '{name}' is drawn from {missing[0]}, which is missing")
    if not path.exists():
        raise ResultsError(f"{mentioned}: {file} is missing; scripts/results draws it")
    mark = MARK_PATTERN.search(path.read_text(encoding="utf-8"))
    if not mark:
        raise ResultsError(f"{file}: no '{MARK.strip()}' in it; scripts/results draws it anew")
    if mark.group(1) != data_hash(directory, name):
        raise ResultsError(f"{file}: drawn from other data than {', '.join(PLOTS[name])} of now; scripts/results "
                           "draws it anew")
