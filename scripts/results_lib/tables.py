"""The generated blocks of docs: BLOCKS maps each name to a function from Data to Markdown."""

from . import estimates
from .data import MERGES_PER_THESIS_UPDATE, ResultsError, options_of

SOLVED = 200  # LunarLander's threshold; the hovering plateau lies well below it
CART_POLE_SOLVED = 475
PLATEAU_SETTING = "workers=8,gamma=0.999,batch-size=120"
PATH_UPDATES = (100, 500, 1000, 1500, 2000)
NOT_RUN = "not run"


def fixed(value):
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text


def percent(share):
    return "" if share is None else f"{100 * share:.1f} %"


def interval(bounds):
    return f"[{fixed(bounds[0])}, {fixed(bounds[1])}]"


def thesis_cell(row):
    return f"{fixed(row.mean)} ({fixed(row.std)})"


def markdown(columns, rows):
    """`columns`: (title, "l" or "r")."""
    lines = ["| " + " | ".join(title for title, _ in columns) + " |",
             "|" + "|".join("---:" if side == "r" else "---" for _, side in columns) + "|"]
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"{len(row)} cells in a table of {len(columns)} columns")
        lines.append("| " + " | ".join(str(cell) for cell in row) + " |")
    return "\n".join(lines)


def column(policies, name):
    return [policy[name] for policy in policies]


def mean_and_interval(values):
    bounds = estimates.t_interval(values)
    return fixed(estimates.mean(values)) + (f" {interval(bounds)}" if bounds else "")


def at_least(policies, threshold):
    """How many of the policies have a mean of at least the threshold, and how many there are."""
    return sum(policy["mean"] >= threshold for policy in policies), len(policies)


def share_cell(policies, threshold=SOLVED):
    reached, of = at_least(policies, threshold)
    low, high = estimates.wilson_interval(reached, of)
    return f"{reached}/{of} [{100 * low:.0f} %, {100 * high:.0f} %]"


def inside(thesis_mean, policies):
    means = column(policies, "mean")
    return "yes" if min(means) <= thesis_mean <= max(means) else "no"


def how_evaluated(sweep, settings):
    """"500 episodes per policy, actions sampled" from the rows themselves."""
    episodes = sorted({policy["episodes"] for setting in settings for policy in sweep.finals(setting)})
    return (f"{' or '.join(f'{n:,}' for n in episodes)} episodes per policy, "
            f"{'greedy actions' if sweep.greedy else 'actions sampled'}")


def seeds_text(policies):
    return ", ".join(fixed(mean) for mean in column(policies, "mean"))


COMPARED_COLUMNS = [("thesis: mean (std)", "r"), ("ours: final mean of each seed", "l"),
                    ("mean over seeds [95 % t interval]", "r"), ("median std", "r"),
                    (f"seeds with mean >= {SOLVED} [95 % Wilson]", "r"), ("thesis within the seeds' range?", "l")]


def compared_row(sweep, row):
    """One setting of the thesis beside our runs of it: the first cell and COMPARED_COLUMNS."""
    own = sweep.find(row.setting)
    if own is None:
        return [row.row, thesis_cell(row), NOT_RUN, "", "", "", ""]
    finals = sweep.finals(own)
    return [row.row, thesis_cell(row), seeds_text(finals), mean_and_interval(column(finals, "mean")),
            fixed(estimates.median(column(finals, "std"))), share_cell(finals), inside(row.mean, finals)]


def table_5_2(data):
    sweep = data.sweep("table_5_2")
    thesis = data.thesis("5.2")
    sweep.expect_only([row.setting for row in thesis])
    table = markdown([("setting", "l"), *COMPARED_COLUMNS], [compared_row(sweep, row) for row in thesis])
    return f"{table}\n\nFinal policies; {how_evaluated(sweep, sweep.settings)}."


def plateau(data):
    sweep = data.sweep("table_5_2")
    own = sweep.find(PLATEAU_SETTING)
    if own is None:
        raise ResultsError(f"{sweep.file}: no rows of setting '{PLATEAU_SETTING}'")
    finals = sweep.finals(own)
    rows = [[policy["seed"], f"{policy['environment_steps']:,}", fixed(policy["mean"]), fixed(policy["std"]),
             percent(policy["truncated_share"]), percent(policy["threshold_share"])] for policy in finals]
    table = markdown([("seed", "r"), ("environment steps", "r"), ("final mean", "r"), ("std", "r"),
                      ("episodes ended by the time limit", "r"), (f"episodes >= {SOLVED}", "r")], rows)
    reached, of = at_least(finals, SOLVED)
    low, high = estimates.wilson_interval(reached, of)
    best = max(finals, key=lambda policy: policy["mean"])
    thesis = next(row for row in data.thesis("5.2") if row.setting == PLATEAU_SETTING)
    return (f"{table}\n\n`{own}`, final policies; {how_evaluated(sweep, [own])}.\n"
            f"**{reached} of {of} seeds** left the plateau (final mean >= {SOLVED}): {percent(reached / of)}, 95 % "
            f"Wilson interval {percent(low)} to {percent(high)}.\n"
            f"Best seed: {best['seed']}, {fixed(best['mean'])} (std {fixed(best['std'])}). The thesis' one run: "
            f"{thesis_cell(thesis)}.")


def alpha_beta(setting):
    options = options_of(setting)
    return [options["alpha"], options["beta"]]


def tables_5_3_to_5_5(data):
    sweep = data.sweep("tables_5_3_to_5_5")
    paths = data.thesis_paths()
    sweep.expect_only(paths)
    rows = []
    for setting, path in paths.items():
        own = sweep.find(setting)
        thesis = path[max(path)]
        if own is None:
            rows.append([*alpha_beta(setting), thesis_cell(thesis), NOT_RUN, "", "", "", "", ""])
            continue
        finals = sweep.finals(own)
        means = column(finals, "mean")
        rows.append([*alpha_beta(setting), thesis_cell(thesis), seeds_text(finals), fixed(estimates.mean(means)),
                     fixed(min(means)), fixed(max(means)), fixed(estimates.median(column(finals, "std"))),
                     inside(thesis.mean, finals)])
    table = markdown([("alpha", "r"), ("beta", "r"), ("thesis: mean (std)", "r"),
                      ("ours: final mean of each seed", "l"), ("mean", "r"), ("min", "r"), ("max", "r"),
                      ("median std", "r"), ("thesis within the seeds' range?", "l")], rows)
    return f"{table}\n\nFinal policies; {how_evaluated(sweep, sweep.settings)}."


def learning_paths(data):
    sweep = data.sweep("tables_5_3_to_5_5")
    paths = data.thesis_paths()
    sweep.expect_only(paths)
    rows = []
    for setting, path in paths.items():
        own = sweep.find(setting)
        rows.append([*alpha_beta(setting), "thesis", *(fixed(path[update].mean) for update in PATH_UPDATES)])
        cells = []
        for update in PATH_UPDATES if own else ():
            means = column(sweep.at_update(own, update * MERGES_PER_THESIS_UPDATE), "mean")
            cells.append(f"{fixed(estimates.median(means))} {interval((min(means), max(means)))}")
        rows.append(["", "", "ours", *(cells or [NOT_RUN] * len(PATH_UPDATES))])
    table = markdown([("alpha", "r"), ("beta", "r"), ("", "l"),
                      *((f"update {update}", "r") for update in PATH_UPDATES)], rows)
    return (f"{table}\n\nOurs: median of the seeds' means [min, max over the seeds], after {MERGES_PER_THESIS_UPDATE} merges for "
            "each update of the thesis.\nThe thesis: one run, its mean.")


def table_5_6(data):
    rows = []
    for row in data.thesis("5.6"):
        sweep = data.sweep("table_5_2" if "workers" in options_of(row.setting) else "tables_5_3_to_5_5")
        rows.append(compared_row(sweep, row))
    return markdown([("", "l"), *COMPARED_COLUMNS], rows)


def every_seed(sweep, setting, threshold):
    """All seeds of one setting, and what the best policy is not: the median, the worst."""
    finals = sweep.finals(setting)
    rows = [[policy["seed"], f"{fixed(policy['mean'])} {interval((policy['ci_low'], policy['ci_high']))}",
             fixed(policy["std"]), fixed(policy["median"]), fixed(policy["min"]), percent(policy["threshold_share"]),
             f"{policy['environment_steps']:,}", f"{policy['wall_seconds']:.0f} s"] for policy in finals]
    table = markdown([("seed", "r"), ("mean [95 % bootstrap interval]", "r"), ("std", "r"), ("median", "r"),
                      ("min", "r"), (f"episodes >= {threshold}", "r"), ("environment steps", "r"),
                      ("training time", "r")], rows)
    worst = min(finals, key=lambda policy: policy["mean"])
    widest = max(finals, key=lambda policy: policy["std"])
    reached, of = at_least(finals, threshold)
    return (f"{table}\n\nFinal policies; {how_evaluated(sweep, [setting])}.\nMedian of the {of} seeds' means: "
            f"**{fixed(estimates.median(column(finals, 'mean')))}**; worst seed: {worst['seed']} with "
            f"**{fixed(worst['mean'])}**;\nlargest std: **{fixed(widest['std'])}** (seed {widest['seed']}); means of "
            f"at least {threshold}: **{reached} of {of}**.")


def every_setting(data, name, threshold=SOLVED):
    sweep = data.sweep(name)
    if len(sweep.settings) == 1:
        return every_seed(sweep, sweep.settings[0], threshold)
    return "\n\n".join(f"`{setting}`:\n\n{every_seed(sweep, setting, threshold)}" for setting in sweep.settings)


def tuned(data):
    return (f"`train --preset tuned`:\n\n{every_setting(data, 'tuned_train')}\n\n"
            f"`cluster --preset tuned`:\n\n{every_setting(data, 'tuned_cluster')}")


def time_summary(times, what):
    reached = [time for time in times if time["mean"] >= SOLVED]
    text = f"{what}{len(reached)} of {len(times)} runs reached a mean of {SOLVED}"
    if not reached:
        return text + "."
    seconds = [time["seconds"] for time in reached]
    steps = [time["environment_steps"] for time in reached]
    which = "these" if len(reached) < len(times) else "all"
    return (f"{text}; of {which}: median **{fixed(estimates.median(seconds))} s** and\n"
            f"{estimates.median(steps):,.0f} environment steps, at most **{fixed(max(seconds))} s** and "
            f"{max(steps):,}.")


def time_to_200(data):
    times = data.times()
    rows = [[time["run"], time["seed"], fixed(time["seconds"]), f"{time['environment_steps']:,}",
             fixed(time["mean"])] for time in times]
    table = markdown([("run", "l"), ("seed", "r"), ("seconds in all", "r"), ("environment steps", "r"),
                      ("mean", "r")], rows)
    runs = list(dict.fromkeys(time["run"] for time in times))
    # Runs that are only numbered are one kind; named ones ("train", "cluster") are not to be mixed.
    if len(runs) == 1 or all(run.isdigit() for run in runs):
        return f"{table}\n\n{time_summary(times, '')}"
    parts = [time_summary([time for time in times if time["run"] == run], f"`{run}`: ") for run in runs]
    return f"{table}\n\n" + "\n".join(f"- {part}" for part in parts)


def compared_settings(data, name):
    """The settings of a sweep, best first."""
    sweep = data.sweep(name)
    settings = {setting: sweep.finals(setting) for setting in sweep.settings}
    rows = []
    for setting, finals in sorted(settings.items(), key=lambda item: -estimates.mean(column(item[1], "mean"))):
        means = column(finals, "mean")
        options = options_of(setting)
        rows.append([*(options.get(option, "") for option in sweep.options), len(finals),
                     fixed(estimates.mean(means)), f"{fixed(min(means))} .. {fixed(max(means))}",
                     fixed(estimates.median(column(finals, "std"))), "{}/{}".format(*at_least(finals, SOLVED))])
    table = markdown([*((option, "r") for option in sweep.options), ("seeds", "r"), ("mean over seeds", "r"),
                      ("min .. max", "r"), ("median std", "r"), (f"seeds with mean >= {SOLVED}", "r")], rows)
    return f"{table}\n\nFinal policies; {how_evaluated(sweep, sweep.settings)}."


def unequal_children(data):
    groups = {}
    for row in data.unequal_children():
        groups.setdefault((row["alpha"], row["beta"], row["throttle"]), []).append(row)
    rows = []
    for (alpha, beta, throttle), runs in groups.items():
        means = [float(run["mean"]) for run in runs]
        fast, slow = (sum(int(run[f"{child}_steps"]) for run in runs) for child in ("fast", "slow"))
        rows.append([alpha, beta, f"1/{throttle}" if float(throttle) > 1 else "1",
                     ", ".join(fixed(mean) for mean in means), fixed(estimates.mean(means)),
                     percent(slow / (fast + slow)),
                     fixed(estimates.mean([float(run["slow_staleness"]) for run in runs])),
                     f"{estimates.mean([float(run['wall_seconds']) for run in runs]):.0f} s"])
    return markdown([("alpha", "r"), ("beta", "r"), ("speed of the second Child", "r"), ("final mean of each seed", "l"),
                     ("mean over seeds", "r"), ("its share of the steps", "r"), ("its mean staleness in merges", "r"),
                     ("time", "r")], rows)


def four_digits(value):
    """1234.5 as 1,234 and 0.012345 as 0.01235."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def performance(data):
    """scripts/bench's table; a figure that belongs to the one above it is indented there."""
    table = data.performance()
    verdict = {True: "met", False: "**missed**", None: ""}
    rows = []
    for figure in table["figures"]:
        name = figure["name"].strip()
        indent = "&nbsp;&nbsp;" if name != figure["name"] else ""
        target = (figure["target"] or "").replace(">=", "at least").replace("<=", "at most")
        rows.append([indent + name, f"{four_digits(figure['value'])} {figure['unit']}".strip(), target, verdict[figure["met"]]])
    machine = table["machine"]
    return (markdown([("figure", "l"), ("measured", "r"), ("target", "r"), ("", "l")], rows) +
            f"\n\nProcessor: {machine['cpu']}, {machine['cores']} cores; load average before: "
            f"{machine['load_average_at_start'][0]:.2f}.")


def steps_text(steps):
    """3,000,000 as 3M, 120,000 as 120k."""
    return f"{steps / 1e6:.3g}M" if steps >= 1e6 else f"{steps / 1e3:.3g}k"


def published_cells(data, task):
    """The best PPO or A2C that others published, and the best of all."""
    if not task:
        return ["", ""]
    entries = data.published(task)
    cells = []
    for group in ([entry for entry in entries if entry["algorithm"] in ("PPO", "A2C")], entries):
        best = max(group, key=lambda entry: entry["mean"])
        cells.append(f"{fixed(best['mean'])} ({best['algorithm']}, {steps_text(best['environment_steps'])})")
    return cells


def tasks(data):
    rows = []
    for task, runs in data.task_runs().items():
        means = column(runs, "mean")
        reached = [run for run in runs if run["steps_to_threshold"] is not None]
        learnt = f"{len(reached)}/{len(runs)}"
        if reached:
            learnt += (f", after {steps_text(estimates.median(column(reached, 'steps_to_threshold')))} and "
                       f"{fixed(estimates.median(column(reached, 'seconds_to_threshold')))} s")
        rows.append([f"`{task}`", f"**{estimates.median(means):.4g}**", f"{min(means):.4g}",
                     ", ".join(f"{mean:.4g}" for mean in means), fixed(estimates.median(column(runs, "std"))),
                     steps_text(max(run["environment_steps"] for run in runs)),
                     f"{estimates.median(column(runs, 'processor_seconds')):.0f} s ({estimates.median(column(runs, 'wall_seconds')):.0f} s)",
                     learnt, *published_cells(data, runs[0]["published_as"])])
    table = markdown([("task", "l"), ("median of the seeds", "r"), ("worst", "r"), ("each seed", "l"),
                      ("median std", "r"), ("steps", "r"), ("processor time (wall)", "r"), ("learnt", "l"),
                      ("published: best PPO or A2C", "l"), ("best of all", "l")], rows)
    return table


def task_settings(data):
    rows = [[f"`{task}`", f"{runs[0]['threshold']:g}", f"`{runs[0]['options']}`"] for task, runs in data.task_runs().items()]
    return markdown([("task", "l"), ("learnt at", "r"), ("options of `genkidama train TASK`", "l")], rows)


def concurrent_table(data, task):
    """A row for each way in which the task was learnt."""
    def cell(runs, column, digits=0):
        value = estimates.median_of_all([run[column] for run in runs])
        return "" if value is None else f"{value:,.{digits}f}"

    def span(runs, column):
        values = [run[column] for run in runs]
        reached = [f"{value:,.0f}" for value in sorted(value for value in values if value is not None)]
        if not reached or cell(runs, column) == "":
            return cell(runs, column)
        return f"{cell(runs, column)} ({reached[0]} to {reached[-1] if len(reached) == len(values) else 'none'})"

    rows = []
    for (of_task, algorithm, workers, sharing, replay), runs in data.concurrent_runs().items():
        if of_task != task:
            continue
        solved = sum(run["solved_steps"] is not None for run in runs)
        finals = column(runs, "final_mean")
        rows.append([algorithm, workers, "" if workers == 1 else sharing, replay, f"{solved} of {len(runs)}",
                     cell(runs, "solved_episodes"), span(runs, "solved_steps"), cell(runs, "solved_optimizer_steps"),
                     cell(runs, "solved_cpu_seconds", 1), cell(runs, "solved_wall_seconds", 1),
                     fixed(estimates.median(finals)), fixed(min(finals))])
    return markdown([("algorithm", "l"), ("workers", "r"), ("sharing", "l"), ("replay", "l"), ("solved", "r"),
                     ("episodes", "r"), ("environment steps", "r"), ("optimizer steps", "r"), ("processor s", "r"),
                     ("wall s", "r"), ("final return", "r"), ("worst seed", "r")], rows)


BLOCKS = {
    "table_5_2": table_5_2,
    "plateau": plateau,
    "tables_5_3_to_5_5": tables_5_3_to_5_5,
    "learning_paths": learning_paths,
    "table_5_6": table_5_6,
    "tuned": tuned,
    "tuned_train": lambda data: every_setting(data, "tuned_train"),
    "tuned_cluster": lambda data: every_setting(data, "tuned_cluster"),
    "tuned_cart_pole": lambda data: every_setting(data, "tuned_cart_pole", CART_POLE_SOLVED),
    "time_to_200": time_to_200,
    "unequal_children": unequal_children,
    "children": lambda data: compared_settings(data, "children"),
    "workers_or_children": lambda data: compared_settings(data, "workers_or_children"),
    "performance": performance,
    "tasks": tasks,
    "task_settings": task_settings,
    "concurrent_lunar_lander": lambda data: concurrent_table(data, "lunar-lander"),
    "concurrent_cart_pole": lambda data: concurrent_table(data, "cart-pole"),
}
