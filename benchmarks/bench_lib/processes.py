"""What processes use, from /proc."""
import os
import pathlib

PROC = pathlib.Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def stat_of(pid):
    """The fields behind the name, which may hold spaces and brackets: state first."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def parent_of(pid):
    return int(stat_of(pid)[1])


def cpu_seconds_of(pid):
    user, system = stat_of(pid)[11:13]
    return (int(user) + int(system)) / TICKS_PER_SECOND


def tree_of(root):
    """`root` and all its descendants that live, root first."""
    children = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(parent_of(entry.name), []).append(int(entry.name))
            except (OSError, ValueError, IndexError):
                continue  # it has just ended
    found = [root]
    for pid in found:
        found += sorted(children.get(pid, []))
    return found


def kilobytes(text, key):
    for line in text.splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def usage_of(pid):
    """rss_kb, pss_kb, threads, descriptors and cpu_seconds; None when the process has ended."""
    place = PROC / str(pid)
    try:
        rollup = (place / "smaps_rollup").read_text()
        status = (place / "status").read_text()
        return {"rss_kb": kilobytes(rollup, "Rss"), "pss_kb": kilobytes(rollup, "Pss"),
                "threads": kilobytes(status, "Threads"), "descriptors": len(os.listdir(place / "fd")),
                "cpu_seconds": cpu_seconds_of(pid)}
    except OSError:
        return None


def usage_of_tree(root):
    """[(pid, usage)] of the processes that live."""
    return [(pid, usage) for pid in tree_of(root) if (usage := usage_of(pid))]
