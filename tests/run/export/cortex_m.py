"""Builds exported headers for a Cortex-M4, weighs them and runs them in an emulator. Exit code 77: a tool is missing.

    cortex_m.py DIRECTORY HEADER...
"""
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
COMPILER, SIZE, EMULATOR = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard",
         "-mfpu=fpv4-sp-d16", "-ffreestanding", "-ffunction-sections", "-fdata-sections"]
MOST_FLASH, MOST_MEMORY = 48 * 1024, 4 * 1024
# An instruction takes 64 ns of the emulator's time, and a tick of the board's clock 40 ns.
SHIFT, TICK_NS = 6, 40
TIMEOUT_S = 60


def size_of(program):
    """Bytes of flash and of memory but the stack."""
    words = subprocess.run([SIZE, program], capture_output=True, text=True, check=True).stdout.splitlines()[1].split()
    text, data, bss = (int(word) for word in words[:3])
    return text + data, data + bss


def build(directory, header, optimisation, definitions):
    program = directory / "board.elf"
    # -pedantic is for the header, which is C; the board has words for its processor.
    subprocess.run([COMPILER, "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffreestanding", "-fsyntax-only", "-x", "c",
                    directory / header], check=True)
    subprocess.run([COMPILER, *FLAGS, optimisation, *definitions, f'-DPOLICY="{directory / header}"',
                    HERE / "cortex_m.c", "-nostartfiles", "-nodefaultlibs", "-Wl,--gc-sections", "-T",
                    HERE / "cortex_m.ld", "-lgcc", "-o", program], check=True)
    return program


def run(program):
    done = subprocess.run([EMULATOR, "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none",
                           "-semihosting-config", "enable=on,target=native", "-icount", f"shift={SHIFT}", "-kernel",
                           program], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    return {line.split()[0]: int(line.split()[1]) for line in (done.stdout + done.stderr).splitlines() if line}


def main():
    directory = pathlib.Path(sys.argv[1])
    if not all(shutil.which(tool) for tool in (COMPILER, SIZE, EMULATOR)):
        return 77
    for header in sys.argv[2:]:
        for optimisation in ("-Os", "-O2"):
            told = run(build(directory, header, optimisation, ["-DROBOT_SELF_TEST"]))
            flash, memory = size_of(build(directory, header, optimisation, []))
            memory += told["stack"]
            instructions = told["ticks"] * TICK_NS / 2**SHIFT
            print(f"{header} {optimisation}: {flash} bytes of flash, {memory} of memory, of which the stack is "
                  f"{told['stack']}; {instructions:.0f} instructions an action")
            assert told["failed"] == 0, told
            if header.startswith("lander"):
                assert flash <= MOST_FLASH and memory <= MOST_MEMORY
    return 0


if __name__ == "__main__":
    sys.exit(main())
