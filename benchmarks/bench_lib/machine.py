"""What a figure was measured on. No names and no paths: results are committed."""
import os
import pathlib


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return os.uname().machine


def vector_extensions():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            present = set(value.split())
            return [name for name in ("sse4_2", "avx2", "fma", "avx512f", "asimd", "sve") if name in present]
    return []


def facts():
    memory = next(line for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return {"cpu": cpu_model(), "cores": len(os.sched_getaffinity(0)), "vector_extensions": vector_extensions(),
            "memory_gb": round(int(memory.split()[1]) / 1048576, 1),
            "load_average_at_start": [round(load, 2) for load in os.getloadavg()]}
