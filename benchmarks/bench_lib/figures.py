"""From the programs' results to one table: what was measured, what it should be, whether it is."""
import dataclasses

THESIS_PARAMETERS = 2949
# Measured with the original programs on another machine of 2 x86 cores; not run again here.
GYM_RANDOM_STEPS_PER_SECOND = 11_700
ORIGINAL_STEPS_PER_SECOND = (6_200, 2_400)  # at its start, and when episodes had become long
ELSEWHERE = "recorded elsewhere"

AT_MOST, AT_LEAST = "<=", ">="


@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str = ""
    sense: str = ""
    target: float = None

    @property
    def met(self):
        """None without a target."""
        if self.target is None:
            return None
        return self.value <= self.target if self.sense == AT_MOST else self.value >= self.target

    def as_dict(self):
        return {"name": self.name, "value": self.value, "unit": self.unit,
                "target": f"{self.sense} {self.target:g}" if self.sense else None, "met": self.met}


class Collector:
    """Figures in order; those whose results are missing are left out."""

    def __init__(self, results):
        self.results = results
        self.figures = []

    def add(self, name, path, unit="", sense="", target=None, scale=1.0):
        value = self.look_up(path)
        if value is not None:
            self.figures.append(Figure(name, value * scale, unit, sense, target))

    def look_up(self, path):
        value = self.results
        for key in path:
            if isinstance(value, list):
                value = next((item for item in value if item.get("connections") == key), None)
            else:
                value = value.get(key) if value else None
        return value

    def ratio(self, name, path, divisor, sense="", target=None):
        value = self.look_up(path)
        if value is not None:
            self.figures.append(Figure(name, value / divisor, "x", sense, target))


def environment(c):
    for policy in ("random", "heuristic"):
        bare = ("micro", f"lunar_lander/step_against_bare/{policy}")
        c.add(f"LunarLander step / bare Box2D step, {policy} policy", (*bare, "ratio"), "", AT_MOST, 1.10)
        c.add(f"  step, {policy} policy", (*bare, "step_us"), "us")
    c.add("LunarLander reset", ("micro", "lunar_lander/reset", "ns"), "us", scale=1e-3)
    play = ("micro", "lunar_lander/play/random", "items_per_second")
    c.add("LunarLander with resets, random policy", play, "steps/s")
    c.ratio(f"  over gym in Python ({GYM_RANDOM_STEPS_PER_SECOND:,}, {ELSEWHERE})", play, GYM_RANDOM_STEPS_PER_SECOND,
            AT_LEAST, 8)
    for preset in ("thesis", "tuned"):
        alone = ("train", preset, "stages", "environment_steps_per_second")
        c.ratio(f"  {preset}'s trained policy over gym's random one ({ELSEWHERE})", alone, GYM_RANDOM_STEPS_PER_SECOND,
                AT_LEAST, 8)
    c.add("CartPole with resets, random policy", ("micro", "cart_pole/play/random", "items_per_second"), "steps/s")


def actions_and_learning(c):
    for choice in ("greedy", "sample"):
        c.add(f"one action, thesis network, {choice}", ("micro", f"action/thesis/{choice}", "ns"), "us", AT_MOST, 1.0, 1e-3)
        c.add("  LibTorch, eager", ("libtorch", f"libtorch/action/thesis/{choice}", "ns"), "us", scale=1e-3)
    c.add("one action, 64x64 network, sample", ("micro", "action/mlp64/sample", "ns"), "us", scale=1e-3)
    c.add("value, thesis network", ("micro", "action/thesis/value", "ns"), "us", scale=1e-3)
    c.add("logits of 8 observations, thesis network", ("micro", "action/thesis/logits_of_8", "ns"), "us", scale=1e-3)
    for network in ("thesis", "mlp64"):
        for batch in (20, 120, 1024):
            c.add(f"training step, {network}, batch {batch}", ("micro", f"training_step/{network}/{batch}", "ns"), "us",
                  scale=1e-3)
        c.add(f"  LibTorch, {network}, batch 120", ("libtorch", f"libtorch/training_step/{network}/120", "ns"), "us",
              scale=1e-3)
    for optimizer in ("sgd", "rmsprop", "adam"):
        c.add(f"shared {optimizer} step, 2,949 weights", ("micro", f"optimizer/{optimizer}/2949", "ns"), "us", scale=1e-3)
        c.add(f"shared {optimizer} step, 10M weights", ("micro", f"optimizer/{optimizer}/10000000", "ns"), "ms", scale=1e-6)
    for workers in (2, 8):
        c.add(f"barrier round trip, {workers} workers", ("micro", f"barrier/round_trip/{workers}", "ns"), "us", scale=1e-3)
    c.add("replay: store a step", ("micro", "replay/store", "ns"), "us", scale=1e-3)
    c.add("replay: sample 128 steps", ("micro", "replay/sample_with_replacement/128", "ns"), "us", scale=1e-3)


def training(c):
    for preset in ("thesis", "tuned"):
        at = ("train", preset)
        thesis = preset == "thesis"
        learning = (*at, "learning_steps_per_second", "median")
        c.add(f"train, {preset} preset, 2 workers", learning, "steps/s", *((AT_LEAST, 80_000) if thesis else ()))
        if thesis:
            first, later = ORIGINAL_STEPS_PER_SECOND
            c.ratio(f"  over the original Python at its start ({first:,}, {ELSEWHERE})", learning, first, AT_LEAST, 15)
            c.ratio(f"  over the original Python later on ({later:,}, {ELSEWHERE})", learning, later)
        c.add("  2 workers / 1 worker, same policy", (*at, "two_workers_over_one"), "x", AT_LEAST, 1.9)
        c.add("  1 worker / environment alone, same policy", (*at, "train_per_environment_only"), "",
              *((AT_LEAST, 0.80) if thesis else ()))
        for stage in ("environment", "action", "gradient", "optimizer", "rest"):
            c.add(f"  a step's {stage}", (*at, "stages", f"{stage}_us"), "us")
    c.add("  ppo: updates / environment", ("train", "tuned", "stages", "updates_per_environment"), "", AT_MOST, 1.0)
    c.add("  ppo: updates and all the rest / environment", ("train", "tuned", "stages", "updates_and_rest_per_environment"))


def exchanging(c):
    for parameters in (2_949, 100_000, 1_000_000, 10_000_000, 30_000_000):
        at = ("micro", f"weighted_average/{parameters}")
        c.add(f"weighted average / memory floor, {parameters:,} weights", (*at, "ratio"), "",
              *((AT_LEAST, 0.8) if parameters == 10_000_000 else ()))
        c.add("  the average", (*at, "average_GB_per_s"), "GB/s")
    for step in ("encode", "decode", "plain_copy"):
        c.add(f"frame of 10M weights: {step}", ("micro", f"frame/{step}/10000000", "ns"), "ms", scale=1e-6)
    small, large = ("micro", "exchange/2949"), ("micro", "exchange/10000000")
    c.add("exchange of 2,949 weights, p50", (*small, "p50_us"), "us", AT_MOST, 100)
    c.add("exchange of 2,949 weights, p99", (*small, "p99_us"), "us", AT_MOST, 500)
    c.add("  bare TCP there and back, p50", ("micro", "loopback/2949", "p50_us"), "us")
    c.add("  after 2 ms of sleep, p50", ("micro", "exchange_paced/2949", "p50_us"), "us")
    c.add("exchange of 10M weights, each way", (*large, "GB_per_s_each_way"), "GB/s", AT_LEAST, 1)
    c.add("  bare TCP, each way", ("micro", "loopback/10000000", "GB_per_s_each_way"), "GB/s")
    for count in (1, 10, 100, 1000, 2000):
        at = ("many_children", count)
        aimed = count == 1000
        c.add(f"{count:,} Children, an exchange a second: p99", (*at, "p99_ms"), "ms", *((AT_MOST, 50) if aimed else ()))
        expected, done = c.look_up((*at, "expected")), c.look_up((*at, "done"))
        if expected:
            c.figures.append(Figure("  exchanges done / due", done / expected, "", *((AT_LEAST, 1) if aimed else ())))
        c.add("  the Parent's share of a core", (*at, "parent_cores"), "", *((AT_MOST, 1) if aimed else ()))
        # A single Child's figure is mostly what the Parent needs for the first of anything.
        if count >= 100:
            c.add("  the Parent's memory per Child", (*at, "bytes_per_child"), "KB",
                  *((AT_MOST, 64 + 2 * 4 * THESIS_PARAMETERS / 1024) if aimed else ()), scale=1 / 1024)


def footprint(c):
    c.add("Parent, resident memory", ("footprint", "parent", "rss_mb"), "MB", AT_MOST, 15)
    c.add("  helpers of the Parent, proportional memory", ("footprint", "parent_helpers", "pss_mb"), "MB")
    c.add("train, 1 worker, proportional memory", ("footprint", "train", "1", "pss_mb"), "MB")
    c.add("  each worker more", ("footprint", "extra_worker_mb"), "MB", AT_MOST, 15)
    c.add("lunar_lander --help", ("footprint", "help_ms"), "ms", AT_MOST, 50)
    c.add("  a program that does nothing", ("footprint", "spawn_ms"), "ms")
    c.add("lunar_lander parent, until it listens", ("footprint", "parent_listens_ms"), "ms", AT_MOST, 50)


def growth(c):
    c.add("long run: minutes", ("growth", "minutes"), "min", AT_LEAST, 30)
    c.add("  environment steps", ("growth", "environment_steps"), "M", AT_LEAST, 10, 1e-6)
    c.add("  change of steps/s", ("growth", "steps_per_second_slope_percent_per_hour"), "%/h")
    c.add("  change of processor time a step", ("growth", "cpu_us_per_step_slope_percent_per_hour"), "%/h")
    c.add("  change of proportional memory", ("growth", "pss_mb_per_hour"), "MB/h")
    c.add("  descriptors more than at first", ("growth", "descriptors_growth"))
    c.add("  threads more than at first", ("growth", "threads_growth"))


def collect(results):
    """`results`: {"micro": ..., "train": ...}, what the programs gave; any may be missing."""
    collector = Collector(results)
    for part in (environment, actions_and_learning, training, exchanging, footprint, growth):
        part(collector)
    return collector.figures


def shown(value):
    if value == int(value) and abs(value) < 1e6 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def table(figures):
    rows = [("figure", "measured", "", "target", "")]
    for figure in figures:
        target = f"{figure.sense} {shown(figure.target)}" if figure.sense else ""
        rows.append((figure.name, shown(figure.value), figure.unit, target, {None: "", True: "met", False: "MISSED"}[figure.met]))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = []
    for i, (name, value, unit, target, verdict) in enumerate(rows):
        line = (f"{name:<{widths[0]}}  {value:>{widths[1]}} {unit:<{widths[2]}}  {target:>{widths[3]}}  {verdict}").rstrip()
        lines += [line, "-" * (sum(widths) + 7)] if i == 0 else [line]
    return "\n".join(lines)
