#!/usr/bin/env python3
"""Optuna chooses the settings of a sweep (Debian: apt-get install python3-optuna).

    examples/optuna_sweep/optuna_sweep.py build/release/examples/cart_pole sweep train --max-steps 20000 \
        --trials 20 --eval-episodes 20 --run-dir runs/optuna

What follows is the call of the sweep; --search ask is added to it. The sweep asks for a setting, trains and evaluates
it, and tells what it came to. Called again, it goes on: what earlier calls came to is told first.
"""
import json
import subprocess
import sys

import optuna

RANGES = {
    "learning-rate": optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True),
    "gamma": optuna.distributions.FloatDistribution(0.9, 0.999),
    "epochs": optuna.distributions.IntDistribution(1, 10),
}


def finished(setting, value):
    """A trial of an earlier call, whose setting the sweep has kept as text."""
    params = {name: int(setting[name]) if name == "epochs" else float(setting[name]) for name in RANGES}
    return optuna.trial.create_trial(params=params, distributions=RANGES, value=value)


def main():
    # Without a seed of its own: a second call would begin with the settings of the first.
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler())
    sweep = subprocess.Popen([*sys.argv[1:], "--search", "ask"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True, bufsize=1)
    trials, going_on = {}, {}
    for line in sweep.stdout:
        message = json.loads(line)
        if "ask" in message:
            trial = trials[message["ask"]] = study.ask(RANGES)
            print(json.dumps({"answer": message["ask"], "setting": trial.params}), file=sweep.stdin, flush=True)
        elif "tell" in message and message["tell"] in trials:
            trial, value = trials.pop(message["tell"]), message.get("value")
            study.tell(trial, value, None if value is not None else optuna.trial.TrialState.FAIL)
        elif "tell" in message and message.get("value") is not None:
            study.add_trial(finished(going_on[message["tell"]], message["value"]))
        elif "known" in message and message["value"] is not None:
            study.add_trial(finished(message["setting"], message["value"]))
        elif "known" in message:
            going_on[message["known"]] = message["setting"]
        elif "refused" in message:
            sys.exit(f"optuna_sweep: the sweep refused a setting: {message['why']}")
    code = sweep.wait()
    done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    if done:
        print(f"best of {len(done)}: {study.best_value:.1f} with {study.best_params}")
    sys.exit(code)


if __name__ == "__main__":
    main()
