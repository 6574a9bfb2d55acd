"""Reads docs/results and holds every row against its format. What is wrong is named with file and line."""

import csv
import json
import math
import pathlib
from dataclasses import dataclass

from . import estimates

# After "setting" and one column per varied option, always these.
COLUMNS = ["seed", "update", "environment_steps", "wall_seconds", "final", "episodes", "greedy", "mean", "std",
           "standard_error", "ci_low", "ci_high", "q25", "median", "q75", "min", "max", "threshold_share",
           "mean_length", "truncated_share", "steps_per_second"]
COUNTS = {"seed", "update", "environment_steps", "episodes"}
FLAGS = {"final": ("0", "1"), "greedy": ("0", "1")}
SHARES = {"threshold_share", "truncated_share"}
MAY_BE_EMPTY = {"threshold_share"}  # an environment need not have a threshold
ROUNDING = 1e-3  # the mean of 500 equal returns may come out a little below them
# The thesis counts an update once for its two Children together: each merges once per update
# (docs/results/thesis.md says why we read it so).
MERGES_PER_THESIS_UPDATE = 2
UNEQUAL_COLUMNS = ["alpha", "beta", "throttle", "seed", "mean", "std", "wall_seconds", "fast_steps", "slow_steps",
                   "fast_merges", "slow_merges", "slow_staleness"]
THESIS_COLUMNS = ["table", "row", "setting", "update", "mean", "std"]
PUBLISHED_COLUMNS = ["task", "algorithm", "environment_steps", "mean", "source"]
TASK_COLUMNS = ["task", "published_as", "options", "threshold", "seed", "environment_steps", "steps_to_threshold",
                "seconds_to_threshold", "wall_seconds", "processor_seconds", "episodes", "mean", "std", "median", "min",
                "max", "threshold_share"]
TASK_CURVE_COLUMNS = ["task", "seed", "environment_steps", "return_mean"]
SCALING_COLUMNS = ["rule", "link", "extra", "machines", "seed", "target", "seconds", "steps", "updates",
                   "virtual_seconds", "environment_steps", "waiting_share", "megabytes", "staleness", "links_lost"]
CONCURRENT_COLUMNS = ["task", "algorithm", "workers", "sharing", "replay", "seed", "environment_steps", "optimizer_steps",
                      "episodes", "cpu_seconds", "wall_seconds", "final_mean", "solved_steps", "solved_optimizer_steps",
                      "solved_episodes", "solved_cpu_seconds", "solved_wall_seconds"]
CORES_COLUMNS = ["preset", "way", "workers", "repetition", "steps_per_second", "share"]
TIME_COLUMNS = ["seed", "run", "wall_seconds_total", "environment_steps", "mean"]


class ResultsError(Exception):
    """Data or a document is not as it should be; the message says where and what to do."""


def number(text, where, column):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ResultsError(f"{where}: {column} is '{text}'; expected a number")
    return value


def count(text, where, column):
    if not (text.isascii() and text.isdigit()):
        raise ResultsError(f"{where}: {column} is '{text}'; expected a whole number, 0 or more")
    return int(text)


def options_of(setting):
    """{'workers': '8', 'gamma': '0.99'} for "workers=8,gamma=0.99"; {} for "default"."""
    return dict(part.split("=", 1) for part in setting.split(",") if "=" in part)


def same_setting(setting):
    """A key that does not depend on the order of the options or on how a number is written (0 or 0.0)."""
    def value_of(text):
        try:
            return float(text)
        except ValueError:
            return text
    return frozenset((option, value_of(value)) for option, value in options_of(setting).items())


def read_rows(path, name):
    """(where, {column: text}) of each line, and the header. `name` is what messages call the file."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            rows = []
            line = reader.line_num + 1
            for cells in reader:
                if len(cells) != len(header):
                    raise ResultsError(f"{name}:{line}: {len(cells)} columns; the header has {len(header)}")
                rows.append((f"{name}:{line}", dict(zip(header, cells))))
                line = reader.line_num + 1
    except FileNotFoundError:
        raise ResultsError(f"{name} is missing; docs/results/README.md says how it is made") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ResultsError(f"{name}: not a readable CSV file: {error}") from None
    if not rows:
        raise ResultsError(f"{name}: no rows below the header")
    return header, rows


@dataclass(frozen=True)
class Policy:
    """One row of results.csv: an evaluated policy. Fields as in the file, by `policy["mean"]`."""
    setting: str
    values: dict

    def __getitem__(self, column):
        return self.values[column]


def parse_policy(where, row, options):
    values = {}
    for column in COLUMNS:
        text = row[column]
        if column in MAY_BE_EMPTY and text == "":
            values[column] = None
        elif column in COUNTS:
            values[column] = count(text, where, column)
        elif column in FLAGS:
            if text not in FLAGS[column]:
                raise ResultsError(f"{where}: {column} is '{text}'; expected 0 or 1")
            values[column] = text == "1"
        else:
            values[column] = number(text, where, column)
        if column in SHARES and values[column] is not None and not 0 <= values[column] <= 1:
            raise ResultsError(f"{where}: {column} is {text}; expected a share between 0 and 1")
    for lower, upper in (("min", "q25"), ("q25", "median"), ("median", "q75"), ("q75", "max"), ("min", "mean"),
                         ("mean", "max"), ("ci_low", "ci_high")):
        if values[lower] > values[upper] + ROUNDING:
            raise ResultsError(f"{where}: {lower} is {row[lower]} and {upper} is {row[upper]}; expected {lower} <= "
                               f"{upper}")
    for option, value in options_of(row["setting"]).items():
        if option not in options or row[option] != value:
            raise ResultsError(f"{where}: setting is '{row['setting']}', and column '{option}' does not say {value}")
    return Policy(row["setting"], values)


class Sweep:
    """docs/results/NAME: the evaluated policies of every setting and seed."""

    def __init__(self, directory, name):
        self.name = name
        self.file = f"docs/results/{name}/results.csv"
        header, rows = read_rows(directory / name / "results.csv", self.file)
        if header[:1] != ["setting"] or header[-len(COLUMNS):] != COLUMNS:
            raise ResultsError(f"{self.file}:1: the header is '{','.join(header)}'; expected setting, one column per "
                               f"varied option, then {','.join(COLUMNS)}")
        self.options = header[1:-len(COLUMNS)]
        self.policies = {}  # setting -> seed -> policies by update; of two at one update, the final one
        self.greedy = rows[0][1]["greedy"] == "1"
        seen = set()
        for where, row in rows:
            policy = parse_policy(where, row, self.options)
            key = policy.setting, policy["seed"], policy["update"], policy["final"]
            if key in seen:
                raise ResultsError(f"{where}: a second row for {policy.setting}, seed {policy['seed']}, update "
                                   f"{policy['update']}")
            seen.add(key)
            if policy["greedy"] != self.greedy:
                raise ResultsError(f"{where}: greedy differs from the rows above; sampled and greedy evaluations do "
                                   "not belong into one sweep")
            curve = self.policies.setdefault(policy.setting, {}).setdefault(policy["seed"], {})
            if policy["final"] or policy["update"] not in curve:
                curve[policy["update"]] = policy

    @property
    def settings(self):
        return list(self.policies)

    def find(self, setting):
        """The sweep's own name of a setting, or None when it was not run."""
        wanted = same_setting(setting)
        return next((own for own in self.policies if same_setting(own) == wanted), None)

    def curves(self, setting):
        """{seed: [policy, ...] by update}."""
        return {seed: [curve[update] for update in sorted(curve)]
                for seed, curve in sorted(self.policies[setting].items())}

    def finals(self, setting):
        """The final policy of each seed, by seed."""
        result = []
        for seed, curve in self.curves(setting).items():
            finals = [policy for policy in curve if policy["final"]]
            if len(finals) != 1:
                raise ResultsError(f"{self.file}: {setting}, seed {seed} has {len(finals)} final rows; expected 1. "
                                   "Run the sweep to its end")
            result += finals
        return result

    def at_update(self, setting, update):
        """The policy of each seed at one update, by seed."""
        for seed, curve in self.policies[setting].items():
            if update not in curve:
                raise ResultsError(f"{self.file}: {setting}, seed {seed} has no row for update {update}")
        return [curve[update] for _, curve in sorted(self.policies[setting].items())]

    def expect_only(self, settings):
        """So that no run is left out of a table in silence."""
        known = {same_setting(setting) for setting in settings}
        for own in self.policies:
            if same_setting(own) not in known:
                raise ResultsError(f"{self.file}: setting '{own}' is none of {'; '.join(settings)}")


def read_final_returns(directory, sweep):
    """{setting: {seed: [return, ...]}} of final_returns.csv, held against the final rows of results.csv."""
    name = f"docs/results/{sweep.name}/final_returns.csv"
    header, rows = read_rows(directory / sweep.name / "final_returns.csv", name)
    if header != ["setting", "seed", "returns"]:
        raise ResultsError(f"{name}:1: the header is '{','.join(header)}'; expected setting,seed,returns")
    result = {}
    for where, row in rows:
        seed = count(row["seed"], where, "seed")
        returns = [number(text, where, "returns") for text in row["returns"].split()]
        if seed in result.setdefault(row["setting"], {}):
            raise ResultsError(f"{where}: a second row for {row['setting']}, seed {seed}")
        finals = [p for p in sweep.policies.get(row["setting"], {}).get(seed, {}).values() if p["final"]]
        if not finals:
            raise ResultsError(f"{where}: {row['setting']}, seed {seed} has no final row in results.csv")
        if len(returns) != finals[0]["episodes"]:
            raise ResultsError(f"{where}: {len(returns)} returns; results.csv says {finals[0]['episodes']} episodes")
        # The returns are rounded for the file; their mean is still good to the digit that the tables show.
        if abs(estimates.mean(returns) - finals[0]["mean"]) > 0.06:
            raise ResultsError(f"{where}: the returns' mean is {estimates.mean(returns):.2f}; results.csv says "
                               f"{finals[0]['mean']:.2f}")
        result[row["setting"]][seed] = returns
    for setting in sweep.settings:
        missing = [p["seed"] for p in sweep.finals(setting) if p["seed"] not in result.get(setting, {})]
        if missing:
            raise ResultsError(f"{name}: no returns of {setting}, seed {missing[0]}")
    return result


@dataclass(frozen=True)
class ThesisRow:
    row: str
    setting: str
    update: int  # 0: the last checkpoint
    mean: float
    std: float


class Data:
    """Everything in docs/results of one tree, read when first asked for."""

    def __init__(self, root):
        self.directory = pathlib.Path(root) / "docs" / "results"
        self._sweeps = {}
        self._returns = {}
        self._thesis = None

    def sweep_names(self):
        return sorted(path.parent.name for path in self.directory.glob("*/results.csv"))

    def sweep(self, name):
        if name not in self._sweeps:
            self._sweeps[name] = Sweep(self.directory, name)
        return self._sweeps[name]

    def final_returns(self, name):
        if name not in self._returns:
            self._returns[name] = read_final_returns(self.directory, self.sweep(name))
        return self._returns[name]

    def thesis(self, table):
        """The rows of one table, "5.2" to "5.6", in the thesis' order."""
        if self._thesis is None:
            name = "docs/results/thesis.csv"
            header, rows = read_rows(self.directory / "thesis.csv", name)
            if header != THESIS_COLUMNS:
                raise ResultsError(f"{name}:1: expected the header {','.join(THESIS_COLUMNS)}")
            self._thesis = {}
            for where, row in rows:
                update = count(row["update"], where, "update") if row["update"] else 0
                self._thesis.setdefault(row["table"], []).append(
                    ThesisRow(row["row"], row["setting"], update, number(row["mean"], where, "mean"),
                              number(row["std"], where, "std")))
        if table not in self._thesis:
            raise ResultsError(f"docs/results/thesis.csv: no rows of table {table}")
        return self._thesis[table]

    def thesis_paths(self):
        """{setting: {update: ThesisRow}} of the nine cells of tables 5.3 to 5.5."""
        paths = {}
        for table in ("5.3", "5.4", "5.5"):
            for row in self.thesis(table):
                paths.setdefault(row.setting, {})[row.update] = row
        return paths

    def published(self, task):
        """What others published for one task, as dictionaries, in the file's order."""
        name = "docs/results/published.csv"
        header, rows = read_rows(self.directory / "published.csv", name)
        if header != PUBLISHED_COLUMNS:
            raise ResultsError(f"{name}:1: the header is '{','.join(header)}'; expected {','.join(PUBLISHED_COLUMNS)}")
        entries = [{"task": row["task"], "algorithm": row["algorithm"], "source": row["source"],
                    "environment_steps": count(row["environment_steps"], where, "environment_steps"),
                    "mean": number(row["mean"], where, "mean")} for where, row in rows]
        entries = [entry for entry in entries if entry["task"] == task]
        if not entries:
            raise ResultsError(f"{name}: no rows of the task {task}")
        return entries

    def performance(self):
        """What scripts/bench wrote: machine and figures."""
        name = "docs/results/performance/table.json"
        try:
            table = json.loads((self.directory / "performance" / "table.json").read_text(encoding="utf-8"))
            for figure in table["figures"]:
                number(figure["value"], name, figure["name"])
                figure["unit"], figure["target"], figure["met"]
            table["machine"]["cpu"], table["machine"]["cores"], table["machine"]["load_average_at_start"][0]
        except FileNotFoundError:
            raise ResultsError(f"{name} is missing; scripts/bench makes it") from None
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ResultsError(f"{name}: not as scripts/bench writes it: {error}") from None
        return table

    def unequal_children(self):
        """The rows of unequal_children.csv as dictionaries of text."""
        name = "docs/results/unequal_children.csv"
        header, rows = read_rows(self.directory / "unequal_children.csv", name)
        if header != UNEQUAL_COLUMNS:
            raise ResultsError(f"{name}:1: the header is '{','.join(header)}'; expected {','.join(UNEQUAL_COLUMNS)}")
        for row, where in [(row, where) for where, row in rows]:
            for column in UNEQUAL_COLUMNS:
                number(row[column], where, column)
        return [row for _, row in rows]

    def task_runs(self):
        """{task: [run, ...]} of tasks.csv in the file's order, as dictionaries."""
        name = "docs/results/tasks.csv"
        header, rows = read_rows(self.directory / "tasks.csv", name)
        if header != TASK_COLUMNS:
            raise ResultsError(f"{name}:1: the header is '{','.join(header)}'; expected {','.join(TASK_COLUMNS)}")
        tasks = {}
        for where, row in rows:
            run = {column: row[column] for column in ("task", "published_as", "options")}
            for column in ("seed", "environment_steps", "episodes"):
                run[column] = count(row[column], where, column)
            for column in ("threshold", "wall_seconds", "processor_seconds", "mean", "std", "median", "min", "max"):
                run[column] = number(row[column], where, column)
            reached = row["steps_to_threshold"]
            run["steps_to_threshold"] = count(reached, where, "steps_to_threshold") if reached else None
            seconds = row["seconds_to_threshold"]
            run["seconds_to_threshold"] = number(seconds, where, "seconds_to_threshold") if seconds else None
            runs = tasks.setdefault(run["task"], [])
            if run["seed"] in [other["seed"] for other in runs]:
                raise ResultsError(f"{where}: a second row for {run['task']}, seed {run['seed']}")
            if runs and runs[0]["options"] != run["options"]:
                raise ResultsError(f"{where}: the options differ from those of the task's other seeds")
            runs.append(run)
        return tasks

    def task_curves(self):
        """{task: {seed: [(environment steps, mean return), ...]}} of task_curves.csv."""
        name = "docs/results/task_curves.csv"
        header, rows = read_rows(self.directory / "task_curves.csv", name)
        if header != TASK_CURVE_COLUMNS:
            raise ResultsError(f"{name}:1: the header is '{','.join(header)}'; expected "
                               f"{','.join(TASK_CURVE_COLUMNS)}")
        curves = {}
        for where, row in rows:
            curve = curves.setdefault(row["task"], {}).setdefault(count(row["seed"], where, "seed"), [])
            curve.append((count(row["environment_steps"], where, "environment_steps"),
                          number(row["return_mean"], where, "return_mean")))
        return curves

    def scaling(self, name):
        """{(rule, link, further flags): {machines: [seconds of each seed, None where the target was missed]}}."""
        file = f"docs/results/scaling/{name}.csv"
        header, rows = read_rows(self.directory / "scaling" / f"{name}.csv", file)
        if header != SCALING_COLUMNS:
            raise ResultsError(f"{file}:1: the header is '{','.join(header)}'; expected {','.join(SCALING_COLUMNS)}")
        ways = {}
        for where, row in rows:
            way = ways.setdefault((row["rule"], row["link"], row["extra"]), {})
            seconds = number(row["seconds"], where, "seconds") if row["seconds"] else None
            way.setdefault(count(row["machines"], where, "machines"), []).append(seconds)
        return ways

    def cores(self):
        """{preset: {way of sharing: {workers: [share of what separate runs play, of each repetition]}}}."""
        file = "docs/results/performance/workers_beside_runs.csv"
        header, rows = read_rows(self.directory / "performance" / "workers_beside_runs.csv", file)
        if header != CORES_COLUMNS:
            raise ResultsError(f"{file}:1: the header is '{','.join(header)}'; expected {','.join(CORES_COLUMNS)}")
        presets = {}
        for where, row in rows:
            if row["way"] == "2 separate runs":
                continue
            way = presets.setdefault(row["preset"], {}).setdefault(row["way"], {})
            way.setdefault(count(row["workers"], where, "workers"), []).append(number(row["share"], where, "share"))
        return presets

    def concurrent_runs(self):
        """{(task, algorithm, workers, sharing, replay): [run, ...]} of concurrent_algorithms.csv; what only a run has
        that solved its task is None in the others."""
        file = "docs/results/concurrent_algorithms.csv"
        header, rows = read_rows(self.directory / "concurrent_algorithms.csv", file)
        if header != CONCURRENT_COLUMNS:
            raise ResultsError(f"{file}:1: the header is '{','.join(header)}'; expected {','.join(CONCURRENT_COLUMNS)}")
        ways = {}
        for where, row in rows:
            run = {column: number(row[column], where, column) if row[column] else None
                   for column in CONCURRENT_COLUMNS[5:]}
            missing = next((column for column in CONCURRENT_COLUMNS[5:12] if run[column] is None), None)
            if missing:
                raise ResultsError(f"{where}: {missing} is empty; expected a number")
            key = (row["task"], row["algorithm"], count(row["workers"], where, "workers"), row["sharing"], row["replay"])
            runs = ways.setdefault(key, [])
            if run["seed"] in [other["seed"] for other in runs]:
                raise ResultsError(f"{where}: a second row for seed {row['seed']} of {' '.join(map(str, key))}")
            runs.append(run)
        return ways

    def times(self):
        """The rows of time_to_200.csv in the file's order, as dictionaries."""
        name = "docs/results/time_to_200.csv"
        header, rows = read_rows(self.directory / "time_to_200.csv", name)
        if header != TIME_COLUMNS:
            raise ResultsError(f"{name}:1: the header is '{','.join(header)}'; expected {','.join(TIME_COLUMNS)}")
        return [{"run": row["run"], "seed": count(row["seed"], where, "seed"),
                 "environment_steps": count(row["environment_steps"], where, "environment_steps"),
                 "seconds": number(row["wall_seconds_total"], where, "wall_seconds_total"),
                 "mean": number(row["mean"], where, "mean")} for where, row in rows]
