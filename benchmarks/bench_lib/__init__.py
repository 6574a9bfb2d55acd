"""What the Python benchmarks and scripts/bench share."""
