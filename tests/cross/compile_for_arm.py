#!/usr/bin/env python3
"""Compiles what depends on the processor for 64-bit ARM boards with Debian's cross compiler, against headers of this machine.

    compile_for_arm.py [--compiler aarch64-linux-gnu-g++]

The arithmetic is compiled in full, and must use NEON; modules with byte order, alignment, atomics or shared memory are
checked only, which takes a third of the time. Exit codes: 0 all well, 1 not, 77 when the compiler is missing.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLAGS = ["-std=c++20", "-O3", "-fno-math-errno", "-fPIC", "-DNDEBUG", "-DFMT_HEADER_ONLY", "-Wall", "-Wextra", "-Wpedantic",
         "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Wno-maybe-uninitialized", "-Werror"]
# Compiled in full, each with the instruction that shows that four numbers are computed at a time.
ARITHMETIC = {"src/nn/dense_kernels.cpp": r"\bfmla\s+v\d+\.4s", "src/nn/optimizer_kernels.cpp": r"\bfsqrt\s+v\d+\.4s",
              "src/params/weighted_average.cpp": r"\bfml[as]\s+v\d+\.(4s|2d)"}
CHECKED = ["src/wire/frame.cpp", "src/params/safetensors.cpp", "src/ipc/replay_buffer.cpp", "src/ipc/shared_array.cpp",
           "src/ipc/shared_semaphore.cpp",
           "src/core/random.cpp", "src/nn/shared_optimizer.cpp"]
# Headers of libraries that are the same for every processor; the rest of this machine's headers must stay out.
LIBRARIES = ["fmt", "nlohmann", "xxhash.h", "xxh3.h"]


# Vectors that the function of the matrix products may write to the stack, outside of its loops.
LARGEST_STORED = 16


def sums_stored(assembly):
    product = re.search(r"^\S*multiply_portable\S*:$.*?\.cfi_endproc", assembly, re.DOTALL | re.MULTILINE)
    return len(re.findall(r"\bst[rp]\s+q\d+.*\[sp", product.group())) if product else 0


def compile_one(compiler, headers, source):
    command = [compiler, *FLAGS, f"-I{ROOT}/include", f"-I{ROOT}/src", f"-isystem{headers}", str(ROOT / source)]
    if source not in ARITHMETIC:
        return subprocess.run([*command, "-fsyntax-only"], stderr=subprocess.PIPE, text=True, check=False).stderr
    done = subprocess.run([*command, "-S", "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        return done.stderr or f"the compiler ended with {done.returncode}"
    if not re.search(ARITHMETIC[source], done.stdout):
        return f"no instruction like '{ARITHMETIC[source]}': the loops are not vectorised"
    stored = sums_stored(done.stdout)
    if stored > LARGEST_STORED:
        return f"the products store {stored} vectors on the stack: their sums are not kept in registers"
    return done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", default="aarch64-linux-gnu-g++")
    compiler = parser.parse_args().compiler
    if not shutil.which(compiler):
        print(f"skipped: {compiler} is not installed (Debian: apt install g++-aarch64-linux-gnu)")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        headers = pathlib.Path(place)
        for name in LIBRARIES:
            if os.path.exists(f"/usr/include/{name}"):
                (headers / name).symlink_to(f"/usr/include/{name}")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            sources = [*ARITHMETIC, *CHECKED]
            for source, problem in zip(sources, pool.map(lambda s: compile_one(compiler, headers, s), sources)):
                print(f"{'FAILED' if problem else 'ok':6} {source}")
                if problem:
                    failed = 1
                    print(problem)
    return failed


if __name__ == "__main__":
    sys.exit(main())
