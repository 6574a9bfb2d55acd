#!/usr/bin/env python3
"""Flies a policy trained by lunar_lander in Gymnasium's LunarLander, with nothing but Python and Gymnasium.

    pip install "gymnasium[box2d]"
    python3 fly_in_gym.py runs/mine/final.safetensors --episodes 20

Where Gymnasium is not installed, the script takes gym, in the form that is there. The ten lines that matter are
read_weights() and logits(). They need no package, so you can copy them into any program. A checkpoint keeps PyTorch's
names, so `safetensors.torch.load_file(FILE)` gives a state_dict as well.
"""
import argparse
import json
import math
import random
import re
import statistics
import struct
import sys


def read_weights(path):
    """{"pi1.weight": [[...], ...], "pi1.bias": [...], ...}"""
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    network = header.get("__metadata__", {}).get("network", "")
    if network and not re.fullmatch(r"mlp( \d+)* tanh", network):
        sys.exit(f"fly_in_gym.py: {path} holds the network '{network}'; logits() below computes layers with tanh alone, "
                 "such as 'mlp 64 64 tanh'")
    tensors = {k: v for k, v in header.items() if k != "__metadata__"}
    flat = {k: [x[0] for x in struct.iter_unpack("<f", data[8 + size + v["data_offsets"][0]:8 + size + v["data_offsets"][1]])]
            for k, v in tensors.items()}
    width = {k: v["shape"][1] for k, v in tensors.items() if len(v["shape"]) == 2}
    return {k: [v[i:i + width[k]] for i in range(0, len(v), width[k])] if k in width else v for k, v in flat.items()}


def logits(weights, x):
    """The policy head: linear layers pi1, pi2, ... with tanh between them."""
    last = sum(name.startswith("pi") and name.endswith(".weight") for name in weights)
    for i in range(1, last + 1):
        x = [sum(w * a for w, a in zip(row, x)) + b for row, b in zip(weights[f"pi{i}.weight"], weights[f"pi{i}.bias"])]
        x = x if i == last else [math.tanh(a) for a in x]
    return x


def choose(values, greedy, draw):
    if greedy:
        return values.index(max(values))
    largest = max(values)
    return draw.choices(range(len(values)), [math.exp(v - largest) for v in values])[0]


def make_lander():
    """Gymnasium's environment, else gym's. LunarLander-v3 is the newest one; its physics are those of -v2."""
    try:
        import gymnasium as gym
    except ImportError:
        try:
            import gym
        except ImportError:
            sys.exit('fly_in_gym.py: neither gymnasium nor gym is installed; try: pip install "gymnasium[box2d]"')
    try:
        return gym.make("LunarLander-v3")
    except gym.error.UnregisteredEnv:
        return gym.make("LunarLander-v2")


def start(environment, seed):
    """The first observation. Gymnasium's reset() gives it together with a dictionary, old gym's gives it alone."""
    answer = environment.reset(seed=seed)
    return answer[0] if isinstance(answer, tuple) else answer


def play(environment, action):
    """Observation, reward, and whether the episode ended. Gymnasium's step() gives five values, old gym's four."""
    observation, reward, *ends, _ = environment.step(action)
    return observation, reward, any(ends)


def fly(environment, weights, greedy, seed):
    """The return of one episode."""
    draw = random.Random(seed)
    observation, total, done = start(environment, seed), 0.0, False
    while not done:
        action = choose(logits(weights, [float(value) for value in observation]), greedy, draw)
        observation, reward, done = play(environment, action)
        total += reward
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--greedy", action="store_true", help="the likeliest action instead of sampled ones")
    arguments = parser.parse_args()
    environment = make_lander()
    weights = read_weights(arguments.checkpoint)
    returns = [fly(environment, weights, arguments.greedy, seed) for seed in range(arguments.episodes)]
    spread = statistics.stdev(returns) if len(returns) > 1 else 0.0
    print(f"{len(returns)} episodes: mean return {statistics.mean(returns):.1f}, standard deviation {spread:.1f}")


if __name__ == "__main__":
    main()
