#!/usr/bin/env python3
"""Flies a policy trained by lunar_lander in the original gym, with nothing but Python and gym.

    pip install "gym[box2d]==0.23.1"
    python3 fly_in_gym.py runs/mine/final.safetensors --episodes 20

The ten lines that matter are read_weights() and logits(); they need no package, so they can be copied into any program.
A checkpoint keeps PyTorch's names, so `safetensors.torch.load_file(FILE)` gives a state_dict as well.
"""
import argparse
import json
import math
import random
import statistics
import struct


def read_weights(path):
    """{"pi1.weight": [[...], ...], "pi1.bias": [...], ...}"""
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {k: v for k, v in json.loads(data[8:8 + size]).items() if k != "__metadata__"}
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


def fly(environment, weights, greedy, seed):
    """Old gym's interface: reset(seed=...) -> observation, step() -> observation, reward, done, info."""
    draw = random.Random(seed)
    observation, total, done = environment.reset(seed=seed), 0.0, False
    while not done:
        action = choose(logits(weights, [float(value) for value in observation]), greedy, draw)
        observation, reward, done, _ = environment.step(action)
        total += reward
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint")
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--greedy", action="store_true", help="the likeliest action instead of sampled ones")
    arguments = parser.parse_args()
    import gym
    environment = gym.make("LunarLander-v2")
    weights = read_weights(arguments.checkpoint)
    returns = [fly(environment, weights, arguments.greedy, seed) for seed in range(arguments.episodes)]
    spread = statistics.stdev(returns) if len(returns) > 1 else 0.0
    print(f"{len(returns)} episodes: mean return {statistics.mean(returns):.1f}, standard deviation {spread:.1f}")


if __name__ == "__main__":
    main()
