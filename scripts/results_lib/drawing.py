"""Draws the plots of docs/results/plots. Needs matplotlib. The colours are Okabe and Ito's, which the colour-blind
tell apart; lines of different meaning differ in their dashes or markers too."""

import io
import logging

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import matplotlib.ticker  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402

from . import estimates  # noqa: E402
from .data import MERGES_PER_THESIS_UPDATE, ResultsError, options_of  # noqa: E402
from .plots import MARK  # noqa: E402
from .tables import CART_POLE_SOLVED, SOLVED  # noqa: E402

BLACK, BLUE, VERMILION, GREEN = "#000000", "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PURPLE, GREY = "#E69F00", "#56B4E9", "#CC79A7", "#777777"
SERIES = [(BLUE, "o", "-"), (VERMILION, "s", "--"), (GREEN, "^", "-."), (PURPLE, "D", ":"), (ORANGE, "v", "-"),
          (SKY, "P", "--"), (GREY, "X", "-."), (BLACK, "*", ":")]
RETURN = "return per episode"
STYLE = {
    "svg.hashsalt": "genkidama", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 8,
    "font.sans-serif": ["DejaVu Sans"], "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "legend.frameon": False, "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6, "axes.grid": True,
    "grid.color": "#dddddd", "grid.linewidth": 0.5, "axes.axisbelow": True, "axes.spines.top": False,
    "axes.spines.right": False, "axes.unicode_minus": False, "figure.constrained_layout.use": True,
}


class NothingToDraw(ResultsError):
    """The data are fine, and there is no such plot in them."""


def solved_line(axes, threshold=SOLVED, horizontal=True):
    line = axes.axhline if horizontal else axes.axvline
    line(threshold, color=GREY, linestyle=":", linewidth=1, zorder=1)


def solved_legend(threshold=SOLVED):
    return Line2D([], [], color=GREY, linestyle=":", label=f"{threshold}: solved")


def band(axes, curves, colour, style="-"):
    """Single seeds faint, their median thick, their range shaded. `curves`: one list of (x, y) per seed."""
    for curve in curves:
        axes.plot(*zip(*curve), color=colour, linewidth=0.5, alpha=0.45)
    # Seeds need not have been evaluated at the same places: between two of its own, a seed lies on the line.
    places = sorted({x for curve in curves for x, _ in curve})
    points = []
    for place in places:
        values = [estimates.interpolate(curve, place) for curve in curves]
        if None not in values:
            points.append((place, min(values), estimates.median(values), max(values)))
    # A point for every seed at every place is more than anybody sees.
    step = max(1, len(points) // 100)
    points = points[::step] + ([points[-1]] if points and (len(points) - 1) % step else [])
    if points:
        x, low, middle, high = zip(*points)
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(x, middle, color=colour, linewidth=1.6, linestyle=style)


def band_legend(colour=BLUE, label="", style="-"):
    return [Line2D([], [], color=colour, linewidth=1.6, linestyle=style, label=f"{label}median of the seeds"),
            Patch(color=colour, alpha=0.18, linewidth=0, label="min to max"),
            Line2D([], [], color=colour, linewidth=0.5, alpha=0.45, label="one seed")]


def mean_by_update(curve):
    return [(policy["update"], policy["mean"]) for policy in curve]


def learning_paths(data):
    sweep = data.sweep("tables_5_3_to_5_5")
    paths = data.thesis_paths()
    figure, grid = plt.subplots(3, 3, figsize=(7.2, 6.6), sharex=True, sharey=True)
    for axes, (setting, path) in zip(grid.flat, paths.items()):
        options = options_of(setting)
        axes.set_title(f"alpha {options['alpha']}, beta {options['beta']}")
        solved_line(axes)
        own = sweep.find(setting)
        if own:
            curves = [mean_by_update(curve) for curve in sweep.curves(own).values()]
            band(axes, [[(x / MERGES_PER_THESIS_UPDATE, y) for x, y in curve] for curve in curves], BLUE)
        axes.plot(list(path), [row.mean for row in path.values()], color=BLACK, linestyle="--", linewidth=1.1)
    axes.set_xlim(left=0)
    figure.supxlabel("updates as the thesis counts them (two merges each)", fontsize=8)
    figure.supylabel(f"mean {RETURN}", fontsize=8)
    thesis = Line2D([], [], color=BLACK, linestyle="--", linewidth=1.1, label="thesis (one run)")
    return figure, [thesis, *band_legend(label="ours: "), solved_legend()]


def table_5_2_learning(data):
    sweep = data.sweep("table_5_2")
    if all(len(curve) < 2 for setting in sweep.settings for curve in sweep.curves(setting).values()):
        raise NothingToDraw(f"{sweep.file} has one policy per run; a learning curve needs several checkpoints")
    thesis = data.thesis("5.2")
    figure, grid = plt.subplots(2, 3, figsize=(7.2, 4.6), sharex=True, sharey=True)
    for axes, row in zip(grid.flat, thesis):
        axes.set_title(row.row)
        solved_line(axes)
        own = sweep.find(row.setting)
        if own:
            curves = sweep.curves(own)
            band(axes, [mean_by_update(curve) for curve in curves.values()], BLUE)
            end = max(policy["update"] for curve in curves.values() for policy in curve)
            axes.plot([end], [row.mean], color=BLACK, marker="D", markersize=5, linestyle="none", clip_on=False)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
    figure.supxlabel("updates", fontsize=8)
    figure.supylabel(f"mean {RETURN}", fontsize=8)
    mark = Line2D([], [], color=BLACK, marker="D", markersize=5, linestyle="none", label="thesis (final)")
    return figure, [mark, *band_legend(label="ours: "), solved_legend()]


def boxes(groups):
    """One box per seed, lying. `groups`: (label, {seed: returns} or None, thesis mean), from top to bottom."""
    lines = sum(max(1, len(seeds or {})) + 0.8 for _, seeds, _ in groups)
    figure, axes = plt.subplots(figsize=(7.2, 0.7 + 0.125 * lines))
    solved_line(axes, horizontal=False)
    ticks, place = [], 0.0
    for number, (label, seeds, thesis_mean) in enumerate(groups):
        colour = (BLUE, ORANGE)[number % 2]
        count = max(1, len(seeds or {}))
        ticks.append((place - (count - 1) / 2, label if seeds else f"{label} (not run)"))
        axes.plot([thesis_mean] * 2, [place + 0.6, place - count + 0.4], color=BLACK, linewidth=1.8, zorder=4)
        if seeds:
            stats = [{"med": estimates.median(values), "q1": estimates.quantile(values, 0.25),
                      "q3": estimates.quantile(values, 0.75), "whislo": estimates.quantile(values, 0.05),
                      "whishi": estimates.quantile(values, 0.95), "fliers": []} for values in seeds.values()]
            axes.bxp(stats, positions=[place - offset for offset in range(count)], vert=False, widths=0.66,
                     patch_artist=True, showfliers=False, showcaps=False, manage_ticks=False,
                     boxprops={"facecolor": colour, "alpha": 0.6, "linewidth": 0.5},
                     medianprops={"color": VERMILION, "linewidth": 1.6}, whiskerprops={"linewidth": 0.6})
        place -= count + 0.8
    axes.set_yticks([at for at, _ in ticks])
    axes.set_yticklabels([label for _, label in ticks])
    axes.set_ylim(place + 0.6, 1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(RETURN)
    return figure, [Patch(facecolor=BLUE, alpha=0.6, label="ours: one box per seed, whiskers 5 % to 95 %"),
                    Line2D([], [], color=VERMILION, linewidth=1.6, label="median"),
                    Line2D([], [], color=BLACK, linewidth=1.8, label="thesis' mean"), solved_legend()]


def table_5_2_boxes(data):
    own = data.final_returns("table_5_2")
    sweep = data.sweep("table_5_2")
    return boxes([(row.row, own.get(sweep.find(row.setting)), row.mean) for row in data.thesis("5.2")])


def tables_5_3_to_5_5_boxes(data):
    own = data.final_returns("tables_5_3_to_5_5")
    sweep = data.sweep("tables_5_3_to_5_5")
    groups = []
    for setting, path in data.thesis_paths().items():
        options = options_of(setting)
        groups.append((f"alpha {options['alpha']}, beta {options['beta']}", own.get(sweep.find(setting)),
                       path[max(path)].mean))
    return boxes(groups)


def density(data):
    figure, grid = plt.subplots(2, 2, figsize=(7.2, 4.8), sharex=True, sharey=True)
    samples = []
    for row in data.thesis("5.6"):
        name = "table_5_2" if "workers" in options_of(row.setting) else "tables_5_3_to_5_5"
        setting = data.sweep(name).find(row.setting)
        if setting:
            samples.append((row, list(data.final_returns(name)[setting].values())))
    if not samples:
        raise NothingToDraw("none of table 5.6's settings was run")
    everything = [value for _, seeds in samples for returns in seeds for value in returns]
    low, high = estimates.quantile(everything, 0.002), max(everything) + 20
    places = [low + (high - low) * step / 160 for step in range(161)]
    handles = []
    grid.flat[0].set_title("average of the seeds")
    for axes, (row, seeds), (colour, _, style) in zip(grid.flat[1:], samples, SERIES):
        densities = [estimates.density(returns, places) for returns in seeds]
        # Not the density of all returns in one: its bandwidth would be that of the seeds' differences.
        pooled = [estimates.mean(heights) for heights in zip(*densities)]
        for target in (grid.flat[0], axes):
            target.plot(places, pooled, color=colour, linestyle=style, linewidth=1.4)
        for heights in densities:
            axes.plot(places, heights, color=colour, linewidth=0.5, alpha=0.6)
        axes.set_title(f"{row.row}: {len(seeds)} seed{'s' * (len(seeds) != 1)}")
        axes.axvline(row.mean, color=BLACK, linewidth=1.1)
        axes.axvspan(row.mean - row.std, row.mean + row.std, color=BLACK, alpha=0.08, linewidth=0)
        handles.append(Line2D([], [], color=colour, linestyle=style, linewidth=1.4, label=row.row))
    for axes in grid.flat[len(samples) + 1:]:
        axes.set_visible(False)
    figure.supxlabel(RETURN, fontsize=8)
    figure.supylabel("density", fontsize=8)
    return figure, [*handles, Line2D([], [], color=GREY, linewidth=0.5, label="one seed"),
                    Line2D([], [], color=BLACK, linewidth=1.1, label="thesis' mean"),
                    Patch(color=BLACK, alpha=0.08, linewidth=0, label="thesis' mean +- std")]


def against_steps_and_time(data, sweeps, threshold):
    """Two panels; `sweeps`: (name, label)."""
    figure, (by_steps, by_time) = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True)
    handles = []
    for number, (name, label) in enumerate(sweeps):
        colour, _, style = SERIES[number]
        sweep = data.sweep(name)
        for setting in sweep.settings:
            curves = sweep.curves(setting).values()
            for axes, place, unit in ((by_steps, "environment_steps", 1e6), (by_time, "wall_seconds", 1)):
                band(axes, [[(policy[place] / unit, policy["mean"]) for policy in curve] for curve in curves], colour,
                     style)
        handles += band_legend(colour, label, style)[:1 if number else None]
    for axes in (by_steps, by_time):
        solved_line(axes, threshold)
        axes.set_xlim(left=0)
    by_steps.set_xlabel("environment steps (millions)")
    by_steps.set_ylabel(f"mean {RETURN}")
    by_time.set_xlabel("training time (s)")
    return figure, [*handles, solved_legend(threshold)]


def beside_others(data):
    """LunarLander: the tuned preset's learning curve, the steps after which its runs first passed 200, and what others
    published. Steps on a logarithmic axis."""
    sweep = data.sweep("tuned_train")
    figure, axes = plt.subplots(figsize=(7.2, 3.4))
    axes.set_xscale("log")
    curves = [curve for setting in sweep.settings for curve in sweep.curves(setting).values()]
    band(axes, [[(policy["environment_steps"], policy["mean"]) for policy in curve] for curve in curves], BLUE)
    first = [entry for entry in data.times() if entry["mean"] >= SOLVED]
    axes.plot([entry["environment_steps"] for entry in first], [entry["mean"] for entry in first], color=BLUE,
              marker="o", markersize=4, linestyle="none", markerfacecolor="white", zorder=4)
    solved_line(axes)
    best = max(row.mean for table in ("5.2", "5.3", "5.4", "5.5") for row in data.thesis(table))
    axes.axhline(best, color=BLACK, linestyle="--", linewidth=1.1, zorder=1)
    for entry in data.published("LunarLander-v2"):
        place = entry["environment_steps"], entry["mean"]
        axes.plot(*place, color=VERMILION, marker="D", markersize=5.5, linestyle="none", zorder=5)
        axes.annotate(f"{entry['algorithm']} {entry['mean']:.0f}", place, xytext=(6, -9), textcoords="offset points",
                      color=VERMILION, fontsize=8)
    axes.set_ylim(40, 310)
    axes.set_xlim(6e4, 3.2e6)
    ticks = {1e5: "100k", 2e5: "200k", 5e5: "500k", 1e6: "1M", 2e6: "2M", 3e6: "3M"}
    axes.set_xticks(list(ticks), labels=list(ticks.values()))
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.set_xlabel("environment steps of training")
    axes.set_ylabel(f"mean {RETURN}, LunarLander-v2")
    return figure, [
        *band_legend(BLUE, "Genkidama: "),
        Line2D([], [], color=BLUE, marker="o", markersize=4, markerfacecolor="white", linestyle="none",
               label="a run's first evaluation of 200 or more"),
        Line2D([], [], color=VERMILION, marker="D", markersize=5.5, linestyle="none", label="rl-zoo, published"),
        Line2D([], [], color=BLACK, linestyle="--", linewidth=1.1, label=f"the thesis' best run, {best:.0f}"),
        solved_legend()]


def tuned(data):
    return against_steps_and_time(data, [("tuned_train", "train: "), ("tuned_cluster", "cluster: ")], SOLVED)


def tuned_cart_pole(data):
    return against_steps_and_time(data, [("tuned_cart_pole", "")], CART_POLE_SOLVED)


def children(data):
    """The final return against alpha, a panel per beta, a line per number of Children (and what else is varied)."""
    sweep = data.sweep("children")
    for setting in sweep.settings:
        missing = {"children", "alpha", "beta"} - set(options_of(setting))
        if missing:
            raise ResultsError(f"{sweep.file}: setting '{setting}' has no {min(missing)}; this plot needs children, "
                               "alpha and beta")
    panels = {}  # beta -> the other options' values -> alpha -> means
    for setting in sweep.settings:
        options = options_of(setting)
        line = tuple(options.get(option, "") for option in sweep.options if option not in ("alpha", "beta"))
        panel = panels.setdefault(float(options["beta"]), {})
        panel.setdefault(line, {})[float(options["alpha"])] = [policy["mean"] for policy in sweep.finals(setting)]
    others = [option for option in sweep.options if option not in ("alpha", "beta")]
    lines = sorted({line for panel in panels.values() for line in panel},
                   key=lambda line: [(len(text), text) for text in line])  # 8 before 16
    figure, grid = plt.subplots(1, len(panels), figsize=(2.4 + 2.4 * len(panels), 3.0), sharey=True, squeeze=False)
    handles = []
    for number, line in enumerate(lines):
        colour, marker, style = SERIES[number % len(SERIES)]
        for axes, beta in zip(grid.flat, sorted(panels)):
            means = sorted(panels[beta].get(line, {}).items())
            shift = 0.012 * (number - (len(lines) - 1) / 2)  # so that the bars stand side by side
            axes.plot([alpha + shift for alpha, _ in means], [estimates.mean(values) for _, values in means],
                      color=colour, marker=marker, markersize=4, linestyle=style, linewidth=1.2)
            for alpha, values in means:
                axes.plot([alpha + shift] * 2, [min(values), max(values)], color=colour, linewidth=0.9)
        label = ", ".join(f"{text} Children" if option == "children" else f"{option} {text}"
                          for option, text in zip(others, line))
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=4, linestyle=style, label=label))
    for axes, beta in zip(grid.flat, sorted(panels)):
        solved_line(axes)
        axes.set_title(f"beta {beta:g}")
        axes.set_xticks(sorted({alpha for line in panels[beta].values() for alpha in line}))
        axes.set_xlabel("alpha")
    grid.flat[0].set_ylabel(f"mean {RETURN}")
    handles.append(Line2D([], [], color=BLACK, linewidth=0.9, label="min to max over seeds"))
    return figure, [*handles, solved_legend()]


def workers_or_children(data):
    sweep = data.sweep("workers_or_children")
    settings = sorted(((setting, [policy["mean"] for policy in sweep.finals(setting)]) for setting in sweep.settings),
                      key=lambda item: estimates.mean(item[1]))
    figure, axes = plt.subplots(figsize=(7.2, 0.9 + 0.24 * len(settings)))
    solved_line(axes, horizontal=False)
    for place, (_, means) in enumerate(settings):
        axes.plot([min(means), max(means)], [place] * 2, color=BLUE, linewidth=0.8)
        axes.plot(means, [place] * len(means), color=BLUE, marker="o", markersize=3.5, linestyle="none", alpha=0.7)
        axes.plot([estimates.mean(means)], [place], color=VERMILION, marker="|", markersize=11, markeredgewidth=2)
    axes.set_yticks(range(len(settings)))
    axes.set_yticklabels([", ".join(f"{option} {value}" for option, value in options_of(setting).items()) or setting
                          for setting, _ in settings])
    axes.set_ylim(-0.6, len(settings) - 0.4)
    axes.set_xlabel(f"final mean {RETURN}")
    return figure, [Line2D([], [], color=BLUE, marker="o", markersize=3.5, linestyle="none", label="one seed"),
                    Line2D([], [], color=VERMILION, marker="|", markersize=9, markeredgewidth=2, linestyle="none",
                           label="mean over seeds"), solved_legend()]


def tasks(data):
    """Learning curves of the tasks, a panel each, and the mean return that counts as learnt."""
    runs, curves = data.task_runs(), data.task_curves()
    columns = 3
    lines = -(-len(curves) // columns)
    figure, grid = plt.subplots(lines, columns, figsize=(7.2, 1.9 * lines), squeeze=False)
    for axes, (task, seeds) in zip(grid.flat, curves.items()):
        if task not in runs:
            raise ResultsError(f"docs/results/task_curves.csv: the task '{task}' is not in tasks.csv")
        band(axes, [[(steps / 1e3, mean) for steps, mean in curve] for curve in seeds.values()], BLUE)
        solved_line(axes, runs[task][0]["threshold"])
        axes.set_title(task)
        axes.set_xlim(left=0)
    for axes in list(grid.flat)[len(curves):]:
        axes.set_visible(False)
    figure.supxlabel("environment steps (thousands)", fontsize=8)
    figure.supylabel("mean return of the training episodes", fontsize=8)
    return figure, [*band_legend(), Line2D([], [], color=GREY, linestyle=":", label="counts as learnt")]


def machines(data):
    """The time to the target against the number of machines, a panel per pace, a line per way of sharing."""
    # Each way with the settings that suit the number of machines best.
    panels = [("a step takes 16 us", "lunar_lander", "wire", {
        "weights together, with momentum": [("nesterov 0.5 rate 1.5", 2), ("nesterov 0.5 rate 1.5", 4),
                                            ("nesterov 0.5 rate 1.5", 8), ("nesterov 0.6 rate 2 clip", 16)],
        "weights together": [("rounds", 4), ("rounds", 8)],
        "weights, each Child by itself": [("each", 4)]}),
              ("a robot's pace: 20 ms", "paced", "wire", {
                  "segments": [("segments", 4), ("segments", 8), ("segments", 16)],
                  "weights together, with momentum": [("nesterov 0.6 rate 2", 8)]})]
    figure, grid = plt.subplots(1, len(panels), figsize=(7.2, 3.0))
    names = list(dict.fromkeys(name for *_, lines in panels for name in lines))
    for axes, (title, file, link, lines) in zip(grid.flat, panels):
        times = {(rule, count): seconds for (rule, of_link, _), counts in data.scaling(file).items()
                 if of_link == link for count, seconds in counts.items()}
        one = times[("alone", 1)]
        start = estimates.median(one)
        axes.plot([1] * len(one), one, color=BLACK, marker=".", markersize=3, linestyle="none", alpha=0.5)
        axes.plot([1, 16], [start, start / 16], color=GREY, linestyle=":", linewidth=1)
        for name, points in lines.items():
            colour, marker, style = SERIES[names.index(name)]
            medians = [(1, start)]
            for rule, count in points:
                seconds = times.get((rule, count))
                if seconds is None:
                    raise ResultsError(f"docs/results/scaling/{file}.csv: no rows of the rule '{rule}' with {count} "
                                       "machines")
                reached = [value for value in seconds if value is not None]
                axes.plot([count] * len(reached), reached, color=colour, marker=".", markersize=3, linestyle="none",
                          alpha=0.5)
                # A run that has missed the target took longer than all that have not.
                medians.append((count, estimates.median(reached + [max(reached)] * (len(seconds) - len(reached)))))
            axes.plot(*zip(*medians), color=colour, marker=marker, markersize=4, linestyle=style, linewidth=1.2)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks([1, 2, 4, 8, 16])
        axes.set_xticklabels(["1", "2", "4", "8", "16"])
        axes.set_title(title)
        axes.set_xlabel("machines")
    grid.flat[0].set_ylabel("virtual seconds to a mean of 200")
    handles = [Line2D([], [], color=SERIES[i][0], marker=SERIES[i][1], markersize=4, linestyle=SERIES[i][2], label=name)
               for i, name in enumerate(names)]
    return figure, [*handles, Line2D([], [], color=BLACK, marker=".", markersize=4, linestyle="none", label="one seed"),
                    Line2D([], [], color=GREY, linestyle=":", label="as many times sooner as machines")]


def cores(data):
    """What workers of one run play against separate runs on the same two cores, a panel per preset."""
    presets = data.cores()
    figure, grid = plt.subplots(1, len(presets), figsize=(7.2, 2.8), sharey=True, squeeze=False)
    ways = list(dict.fromkeys(way for of in presets.values() for way in of))
    for axes, (preset, of) in zip(grid.flat, presets.items()):
        axes.axhline(1, color=GREY, linestyle=":", linewidth=1, zorder=1)
        for way, counts in of.items():
            colour, marker, style = SERIES[ways.index(way)]
            points = [(workers, estimates.median(shares)) for workers, shares in sorted(counts.items())]
            axes.plot(*zip(*points), color=colour, marker=marker, markersize=4, linestyle=style, linewidth=1.2)
        axes.set_xscale("log", base=2)
        axes.set_xticks([2, 4, 8])
        axes.set_xticklabels(["2", "4", "8"])
        axes.set_title(preset)
        axes.set_xlabel("workers on 2 cores")
    grid.flat[0].set_ylabel("steps/s against separate runs")
    handles = [Line2D([], [], color=SERIES[i][0], marker=SERIES[i][1], markersize=4, linestyle=SERIES[i][2], label=way)
               for i, way in enumerate(ways)]
    return figure, [*handles, Line2D([], [], color=GREY, linestyle=":", label="2 separate runs")]


WORKER_COUNTS = [1, 2, 4, 8, 16]


def workers_axis(axes):
    axes.set_xscale("log", base=2)
    axes.set_xticks(WORKER_COUNTS)
    axes.set_xticklabels(list(map(str, WORKER_COUNTS)))


def concurrent_ways(data, sharing, replay="global"):
    """{task: {algorithm: {workers: runs}}} with one way of sharing; one worker shares with nobody."""
    tasks = {}
    for (task, algorithm, workers, of_sharing, of_replay), runs in data.concurrent_runs().items():
        if of_replay in ("", replay) and (workers == 1 or of_sharing == sharing):
            tasks.setdefault(task, {}).setdefault(algorithm, {})[workers] = runs
    return tasks


def algorithm_lines(axes, algorithms, names, value_of):
    """A line of medians for each algorithm, and a point for each seed. `value_of`: None where a run has none."""
    for name, counts in algorithms.items():
        colour, marker, style = SERIES[names.index(name)]
        medians = []
        for workers, runs in sorted(counts.items()):
            values = [value_of(run, workers) for run in runs]
            reached = [value for value in values if value is not None]
            axes.plot([workers] * len(reached), reached, color=colour, marker=".", markersize=3, linestyle="none",
                      alpha=0.5)
            median = estimates.median_of_all(values)
            medians.append((workers, float("nan") if median is None else median))
        axes.plot(*zip(*medians), color=colour, marker=marker, markersize=4, linestyle=style, linewidth=1.2)
    workers_axis(axes)


def algorithm_legend(names):
    return [*(Line2D([], [], color=SERIES[i][0], marker=SERIES[i][1], markersize=4, linestyle=SERIES[i][2], label=name)
              for i, name in enumerate(names)),
            Line2D([], [], color=BLACK, marker=".", markersize=4, linestyle="none", label="one seed")]


def concurrent_episodes(data):
    """Episodes and environment steps until a task is solved, against the workers of a machine."""
    tasks = concurrent_ways(data, "hogwild")
    names = list(dict.fromkeys(name for algorithms in tasks.values() for name in algorithms))
    figure, grid = plt.subplots(2, len(tasks), figsize=(7.2, 4.6), squeeze=False, sharex=True)
    for column, (task, algorithms) in enumerate(tasks.items()):
        algorithm_lines(grid[0][column], algorithms, names, lambda run, _: run["solved_episodes"])
        algorithm_lines(grid[1][column], algorithms, names,
                        lambda run, _: run["solved_steps"] and run["solved_steps"] / 1e3)
        grid[0][column].set_title(f"{task}, hogwild")
        grid[1][column].set_xlabel("workers")
        for axes in (grid[0][column], grid[1][column]):
            axes.set_yscale("log")
    grid[0][0].set_ylabel("episodes until solved")
    grid[1][0].set_ylabel("thousand steps until solved")
    return figure, algorithm_legend(names)


def concurrent_speedup(data):
    """How much sooner a task is solved than by one worker, if every worker has a core: processor time by workers."""
    tasks = concurrent_ways(data, "hogwild")
    names = list(dict.fromkeys(name for algorithms in tasks.values() for name in algorithms))
    figure, grid = plt.subplots(1, len(tasks), figsize=(7.2, 2.8), squeeze=False)
    for axes, (task, algorithms) in zip(grid.flat, tasks.items()):
        for place, (name, counts) in enumerate(algorithms.items()):
            if 1 not in counts:
                continue
            colour, marker, style = SERIES[names.index(name)]
            times = {workers: [run["solved_cpu_seconds"] for run in runs] for workers, runs in sorted(counts.items())}
            medians = {workers: estimates.median_of_all(values) for workers, values in times.items()}
            points = [(workers, workers * medians[1] / seconds if medians[1] and seconds else float("nan"))
                      for workers, seconds in medians.items()]
            axes.plot(*zip(*points), color=colour, marker=marker, markersize=4, linestyle=style, linewidth=1.2)
            for workers, _ in points[1:]:
                low, high = estimates.ratio_interval(times[1], times[workers])
                if low > 0 and high is not None:
                    # A little apart from those of other algorithms.
                    axes.plot([workers * 1.03 ** place] * 2, [workers * low, workers * high], color=colour, linewidth=0.8)
        axes.plot(WORKER_COUNTS, WORKER_COUNTS, color=GREY, linestyle=":", linewidth=1)
        axes.set_yscale("log", base=2)
        axes.set_yticks([0.5, *WORKER_COUNTS])
        axes.set_yticklabels(["0.5", *map(str, WORKER_COUNTS)])
        axes.set_title(f"{task}, hogwild")
        axes.set_xlabel("workers, each with a core")
        workers_axis(axes)
    grid.flat[0].set_ylabel("speed-up against one worker")
    return figure, [*algorithm_legend(names)[:-1],
                    Line2D([], [], color=BLACK, linewidth=0.8, label="95 % interval"),
                    Line2D([], [], color=GREY, linestyle=":", label="as many times sooner as workers")]


def concurrent_sharing(data):
    """Steps until LunarLander is solved and the return at the end, a column per algorithm, a line per sharing."""
    ways = ("hogwild", "mutex", "server", "local")
    by_way = {way: concurrent_ways(data, way).get("lunar-lander", {}) for way in ways}
    algorithms = [name for name in by_way["hogwild"] if any(name in by_way[way] for way in ways[1:])]
    figure, grid = plt.subplots(2, len(algorithms), figsize=(7.2, 4.4), squeeze=False, sharex=True)
    for column, algorithm in enumerate(algorithms):
        of_algorithm = {way: by_way[way][algorithm] for way in ways if algorithm in by_way[way]}
        algorithm_lines(grid[0][column], of_algorithm, ways,
                        lambda run, _: run["solved_steps"] and run["solved_steps"] / 1e3)
        algorithm_lines(grid[1][column], of_algorithm, ways, lambda run, _: run["final_mean"])
        solved_line(grid[1][column])
        grid[0][column].set_title(algorithm)
        grid[1][column].set_xlabel("workers")
    grid[0][0].set_ylabel("thousand steps until solved")
    grid[1][0].set_ylabel("return at the end")
    return figure, algorithm_legend(ways)


DRAWINGS = {drawing.__name__: drawing for drawing in (
    learning_paths, table_5_2_learning, table_5_2_boxes, tables_5_3_to_5_5_boxes, density, beside_others, tuned,
    tuned_cart_pole, children, workers_or_children, tasks, machines, concurrent_episodes,
    concurrent_speedup, concurrent_sharing, cores)}


def draw(name, data, data_hash):
    """The plot as the text of an SVG file: the same data give the same bytes."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with matplotlib.rc_context(STYLE):
        figure, handles = DRAWINGS[name](data)
        columns = len(handles) if len(handles) <= 5 else (len(handles) + 1) // 2
        rows = -(-len(handles) // columns)
        # A strip above the axes for the legend: matplotlib before 3.7 lays out no legend of a whole figure.
        strip = 0.19 * rows / figure.get_figheight()
        figure.set_constrained_layout_pads(w_pad=0.04, h_pad=0.04)
        figure.get_layout_engine().set(rect=(0, 0, 1, 1 - strip))
        figure.legend(handles=handles, loc="upper center", ncol=columns, borderaxespad=0.1)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Description": MARK + data_hash})
        plt.close(figure)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
